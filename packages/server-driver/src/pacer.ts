import type { Clock } from "@podlink/types";
import { sleep } from "@podlink/types";

/** Turns are given in slices of so many milliseconds: few timers at high rates. */
const SLICE_MS = 50;

/** Gives out turns at a rate, so that work on many links never comes in one burst. */
export class Pacer {
  readonly #clock: Clock;
  readonly #ratePerSecond: () => number;
  readonly #hurried: AbortSignal | undefined;
  #credit = 1;
  #countedAtMs: number;

  /**
   * @param ratePerSecond asked anew for every slice.
   * @param hurried once it is aborted every turn is given at once, also those that are waited for. Absent: never.
   */
  constructor(clock: Clock, ratePerSecond: () => number, hurried?: AbortSignal) {
    this.#clock = clock;
    this.#hurried = hurried;
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
      if (this.#hurried?.aborted === true) return most;
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
      const wakers = [signal, this.#hurried].filter((waker) => waker !== undefined);
      await sleep(Math.max(untilOneMs, SLICE_MS), { clock: this.#clock, signal: AbortSignal.any(wakers) });
    }
  }
}
