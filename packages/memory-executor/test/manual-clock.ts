import type { Clock } from "@podlink/types";

/** A wall clock set by hand, for tests of many thousand moments. */
export interface ManualClock extends Clock {
  ms: number;
}

export function manualClock(): ManualClock {
  const clock: ManualClock = {
    ms: 1_704_067_200_000,
    nowMs: () => clock.ms,
    wallMs: () => clock.ms,
    setTimer: () => {
      throw new Error("the memory executor sets no timers");
    },
  };
  return clock;
}
