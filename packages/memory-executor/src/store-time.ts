import type { Clock } from "@podlink/types";

const STEP_MS = 1000;

/** The store's own wall clock, as Redis' TIME is to a Redis store. */
export class StoreTime {
  readonly #clock: Clock;
  #lastMs = 0;
  /** How often the time was found more than a second behind the last. */
  stepsBack = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whole milliseconds since 1970. */
  nowMs(): number {
    const nowMs = Math.floor(this.#clock.wallMs());
    if (nowMs < this.#lastMs - STEP_MS) this.stepsBack += 1;
    this.#lastMs = nowMs;
    return nowMs;
  }
}
