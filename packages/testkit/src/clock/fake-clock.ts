import type { Clock, Timer } from "@podlink/types";
import { drainPromises } from "./drain-promises.ts";

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /**
   * Moves both times forward by `ms`, firing the timers that come due in their order, each at its own moment; promise
   * chains run to their end before the first, between any two and after the last. 0: only lets promise chains run.
   * Rejects when a timer throws, or while another advance is under way.
   */
  advance(ms: number): Promise<void>;
  /** Steps the wall time alone, forward or (negative) back, as an operator or NTP does. No timer fires. */
  jumpWall(ms: number): void;
  /** How many timers are set and have neither fired nor been cancelled. */
  readonly pendingTimers: number;
}

/** The default start: 2024-01-01T00:00:00Z, so that tokens and incarnations look like real ones. */
const START_MS = 1_704_067_200_000;
/** Monotonic times don't start at 0, so that code that takes 0 for "never" is found out. */
const ORIGIN_MS = 1000;

interface PendingTimer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** @param startMs the wall time at the start, in ms since 1970. Default: the first of January 2024. */
export function fakeClock(startMs: number = START_MS): FakeClock {
  let nowMs = ORIGIN_MS;
  let wallOffsetMs = startMs - ORIGIN_MS;
  let advancing = false;
  const timers: PendingTimer[] = []; // by due time; of equal ones the first set first

  function setTimer(delayMs: number, run: () => void): Timer {
    const timer: PendingTimer = { dueMs: nowMs + Math.max(0, delayMs), run };
    let position = timers.length;
    while (position > 0 && (timers[position - 1] as PendingTimer).dueMs > timer.dueMs) position -= 1;
    timers.splice(position, 0, timer);
    return {
      cancel() {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      },
    };
  }

  async function fireUntil(endMs: number): Promise<void> {
    await drainPromises();
    for (let next = timers[0]; next !== undefined && next.dueMs <= endMs; next = timers[0]) {
      timers.shift();
      nowMs = Math.max(nowMs, next.dueMs);
      next.run();
      await drainPromises();
    }
    nowMs = endMs;
  }

  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs + wallOffsetMs,
    setTimer,
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`advance: time goes forward; got ${ms}`);
      if (advancing) throw new Error("advance: another advance of this clock is under way; await it first");
      advancing = true;
      try {
        await fireUntil(nowMs + ms);
      } finally {
        advancing = false;
      }
    },
    jumpWall(ms) {
      wallOffsetMs += ms;
    },
    get pendingTimers() {
      return timers.length;
    },
  };
}
