import type { Clock, Timer } from "@podlink/types";

/** A moment at which something is over; it can be moved, but only nearer. */
export class TimeLimit {
  readonly #clock: Clock;
  readonly #over = new AbortController();
  #endsAtMs = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Aborts when the time is up. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Infinite until a limit was set. */
  get leftMs(): number {
    return Math.max(0, this.#endsAtMs - this.#clock.nowMs());
  }

  /** Over in `ms`, or sooner if it was to be. */
  within(ms: number): void {
    const endsAtMs = this.#clock.nowMs() + ms;
    if (this.signal.aborted || endsAtMs >= this.#endsAtMs) return;
    this.#endsAtMs = endsAtMs;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(ms, () => this.end());
  }

  /** The time is up. Idempotent. */
  end(): void {
    this.#timer?.cancel();
    this.#over.abort();
  }
}
