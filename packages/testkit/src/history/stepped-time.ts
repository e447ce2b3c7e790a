import type { Subscription } from "@podlink/types";
import { Listeners } from "@podlink/types";

const START_MS = 1_767_225_600_000;
/** How far two moments lie apart, in us: a link's token may grow by as many without meeting that of a later moment. */
const MOMENT_US = 10;
const MOMENTS_A_MS = 1000 / MOMENT_US;

/** The time of a store under test. It moves when it is told to; so it is known by which times an operation may be judged. */
export interface SteppedTime {
  /** Whole milliseconds since 1970. */
  nowMs(): number;
  /**
   * The same with a fraction that is another at every call: for the store, so that any two calls differ by some microseconds
   * and no token is made twice. After 100 calls within a millisecond time moves on by one.
   */
  moment(): number;
  /** Moves time forward. @param ms whole milliseconds, at least 0. */
  advance(ms: number): void;
  /** Hears of each step after it. */
  onStep(listener: () => void): Subscription;
}

/** @param options.startMs whole milliseconds since 1970. Default: 2026-01-01. */
export function steppedTime(options: { readonly startMs?: number } = {}): SteppedTime {
  let nowMs = options.startMs ?? START_MS;
  let moments = 0;
  const listeners = new Listeners<undefined>();
  const advance = (ms: number): void => {
    if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError(`whole milliseconds, at least 0 (got ${ms})`);
    if (ms === 0) return;
    nowMs += ms;
    moments = 0;
    listeners.emit(undefined);
  };
  return {
    nowMs: () => nowMs,
    moment() {
      if (moments === MOMENTS_A_MS) advance(1);
      const us = moments * MOMENT_US;
      moments += 1;
      // Until 2039 a double holds this so exactly that 1000 times of it is the whole microsecond.
      return (nowMs * 1000 + us) / 1000;
    },
    advance,
    onStep: (listener) => listeners.add(listener),
  };
}
