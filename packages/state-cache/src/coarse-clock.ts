import type { Clock, Subscription, Timer } from "@podlink/types";
import { systemClock } from "@podlink/types";

/**
 * The time as a field: reading it calls nothing. It lags by up to `stepMs`, more while the event loop is blocked:
 * for the age of cache entries, never for a lease of one's own.
 */
export class CoarseClock {
  /** Monotonic milliseconds of the clock underneath, as of the last step. */
  nowMs: number = Number.NaN; // set at once; V8 reads a field slower that was undefined before it was a number
  readonly #clock: Clock;
  readonly #stepMs: number;
  #timer: Timer | undefined;
  #users = 0;

  constructor(clock: Clock = systemClock, stepMs = 20) {
    this.#clock = clock;
    this.#stepMs = stepMs;
    this.nowMs = clock.nowMs();
  }

  /** Keeps the field fresh by one timer until every use is closed. */
  use(): Subscription {
    this.#users += 1;
    this.step();
    this.#timer ??= this.#next();
    let used = true;
    return {
      close: () => {
        if (!used) return;
        used = false;
        this.#users -= 1;
        if (this.#users === 0) this.#stop();
      },
    };
  }

  /** Takes over the present time at once. */
  step(): number {
    this.nowMs = this.#clock.nowMs();
    return this.nowMs;
  }

  /** The field stays as it is, whoever uses it. Idempotent. */
  close(): void {
    this.#stop();
    this.#users = Number.NaN; // no later use starts the timer
  }

  #next(): Timer | undefined {
    if (Number.isNaN(this.#users)) return undefined;
    return this.#clock.setTimer(this.#stepMs, () => {
      this.step();
      this.#timer = this.#next();
    });
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
