import type { Clock } from "@podlink/types";

export interface PaceParts {
  readonly ratePerSecond: number;
  readonly clock: Clock;
  /** 0 (inclusive) to 1. */
  readonly random: () => number;
}

/** The share of a second's permits that may be used at once after a pause. */
const BURST_SECONDS = 0.1;
/** The queue of those refused is at most so long: they come back for what was not used. */
const MAX_QUEUE_MS = 1000;

/**
 * A token bucket. Who is refused is told when to come back: each later than the one before as long as the queue takes them,
 * the others by chance around its end; never all together.
 */
export class Pace {
  readonly #intervalMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  readonly #random: () => number;
  #permits: number;
  #filledAtMs: number;
  #queueEndMs = 0;

  constructor({ ratePerSecond, clock, random }: PaceParts) {
    this.#intervalMs = 1000 / ratePerSecond;
    this.#burst = Math.max(1, Math.floor(ratePerSecond * BURST_SECONDS));
    this.#clock = clock;
    this.#random = random;
    this.#permits = this.#burst;
    this.#filledAtMs = clock.nowMs();
  }

  /** Undefined: go on. Else: how long to wait before asking again, in milliseconds. */
  take(): number | undefined {
    const nowMs = this.#clock.nowMs();
    this.#permits = Math.min(this.#burst, this.#permits + (nowMs - this.#filledAtMs) / this.#intervalMs);
    this.#filledAtMs = nowMs;
    if (this.#permits >= 1) {
      this.#permits -= 1;
      return undefined;
    }
    const queueMs = Math.max(MAX_QUEUE_MS, this.#intervalMs);
    const nextAtMs = Math.max(this.#queueEndMs, nowMs) + this.#intervalMs;
    // The queue is full: told its end, all the others would come back in that one moment.
    if (nextAtMs > nowMs + queueMs) return queueMs * (0.5 + this.#random());
    this.#queueEndMs = nextAtMs;
    return nextAtMs - nowMs + this.#random() * this.#intervalMs;
  }
}
