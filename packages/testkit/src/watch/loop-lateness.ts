import type { Clock, Timer } from "@podlink/types";

/** How long this process stood still while it was measured: blocked, paused, or not given a core. */
export class LoopLateness {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #sumMs = 0;
  #dueMs = Infinity;
  #timer: Timer | undefined;

  /** @param everyMs a standstill is seen less this much: it begins somewhere between two pulses. */
  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** All standstills so far, the one that this moment ends included. */
  get totalMs(): number {
    return this.#sumMs + Math.max(0, this.#clock.nowMs() - this.#dueMs);
  }

  /** Measures from now on. Idempotent. */
  start(): void {
    if (this.#timer === undefined) this.#pulse();
  }

  stop(): void {
    this.#sumMs = this.totalMs;
    this.#dueMs = Infinity;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #pulse(): void {
    this.#dueMs = this.#clock.nowMs() + this.#everyMs;
    this.#timer = this.#clock.setTimer(this.#everyMs, () => {
      this.#sumMs = this.totalMs;
      this.#pulse();
    });
  }
}
