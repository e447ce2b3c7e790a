import type { Clock } from "@podlink/types";
import { sleep } from "@podlink/types";

/** Turns are given in slices of so many milliseconds: few timers at high rates. */
const SLICE_MS = 50;

/** Gives out turns at a rate, so that work on many links never comes in one burst. */
export class Pacer {
  readonly #clock: Clock;
  readonly #ratePerSecond: () => number;
  #credit = 1;
  #countedAtMs: number;

  /** @param ratePerSecond asked anew for every slice. */
  constructor(clock: Clock, ratePerSecond: () => number) {
    this.#clock = clock;
    this.#ratePerSecond = ratePerSecond;
    this.#countedAtMs = clock.nowMs();
  }

  /**
   * Waits until at least one turn is there and takes up to `most` of them.
   * Resolves with 0 only when the signal is aborted.
   */
  async take(most: number, signal?: AbortSignal): Promise<number> {
    for (;;) {
      if (signal?.aborted === true) return 0;
      const perMs = this.#ratePerSecond() / 1000;
      const nowMs = this.#clock.nowMs();
      // Unused turns are not saved up beyond one slice.
      this.#credit = Math.min(this.#credit + (nowMs - this.#countedAtMs) * perMs, Math.max(1, SLICE_MS * perMs));
      this.#countedAtMs = nowMs;
      const turns = Math.min(most, Math.floor(this.#credit));
      if (turns >= 1) {
        this.#credit -= turns;
        return turns;
      }
      const untilOneMs = (1 - this.#credit) / perMs;
      await sleep(Math.max(untilOneMs, SLICE_MS), { clock: this.#clock, ...(signal && { signal }) });
    }
  }
}
