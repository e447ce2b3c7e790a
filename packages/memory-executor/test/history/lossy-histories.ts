import type { Attempt, LinkHistory } from "@podlink/testkit";
import { randomProgram, runPrograms, steppedTime } from "@podlink/testkit";
import type { LossyOptions } from "./lossy-store.ts";
import { lossyStore } from "./lossy-store.ts";

export interface LossyRun extends Omit<LossyOptions, "seed" | "time" | "onRepeat"> {
  readonly firstSeed: number;
  readonly count: number;
  /** How many of them run at the same time. Default 50. */
  readonly together?: number;
}

/** Histories of random programs over the memory store behind a lossy line. */
export async function lossyHistories({ firstSeed, count, together = 50, ...line }: LossyRun): Promise<LinkHistory[]> {
  const histories: LinkHistory[] = [];
  for (let seed = firstSeed; seed < firstSeed + count; seed += together) {
    const time = steppedTime();
    let attempted: (attempt: Attempt) => boolean = () => false;
    const store = lossyStore({ ...line, seed, time, onRepeat: (attempt) => attempted(attempt) });
    const programs = Array.from({ length: Math.min(together, firstSeed + count - seed) }, (_, index) =>
      randomProgram({ seed: seed + index, services: ["room", "game"] }),
    );
    const run = runPrograms(programs, { stores: [store], time });
    ({ attempted } = run);
    histories.push(...(await run.histories));
    await store.quiet();
  }
  return histories;
}
