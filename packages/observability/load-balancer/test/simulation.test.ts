import { describe, expect, it } from "vitest";
import { powerOfTwoChoices } from "@podlink/load-balancer";
import { seeded } from "./snapshots.ts";
import type { Scene } from "./simulation.ts";
import { lowestLoad, simulate } from "./simulation.ts";

const seeds = [1, 2, 3];

function scene(seed: number, parts: Partial<Scene> = {}): Scene {
  const random = seeded(seed);
  return {
    pods: 100,
    callers: 50,
    placementsPerSecond: 10_000,
    seconds: 10,
    reportEveryMs: 1000,
    random,
    balancer: () => powerOfTwoChoices({ random }),
    ...parts,
  };
}

describe("50 callers, 100 pods, 10,000 placements a second, reports up to 1 s old", () => {
  it.each(seeds)("the busiest pod gets at most 1.05 times the mean (seed %i)", (seed) => {
    const { busiestToMean, worstSecond } = simulate(scene(seed));
    expect(busiestToMean).toBeLessThanOrEqual(1.05);
    expect(worstSecond).toBeLessThanOrEqual(1.5);
  });

  it.each(seeds)("nothing changes when all reports come together and a second late (seed %i)", (seed) => {
    const { busiestToMean, worstSecond } = simulate(scene(seed, { reportsTogether: true, seenAfterMs: 1000 }));
    expect(busiestToMean).toBeLessThanOrEqual(1.05);
    expect(worstSecond).toBeLessThanOrEqual(1.5);
  });

  it.each(seeds)("an empty new pod gets at most 2.5 times its share in its worst second (seed %i)", (seed) => {
    const { worstSecond, placed } = simulate(scene(seed, { linksAtStart: (pod) => (pod === 7 ? 0 : 1000) }));
    expect(worstSecond).toBeLessThanOrEqual(2.5);
    expect(placed[7]).toBeGreaterThan(1500); // and it is filled
  });

  it.each(seeds)("links that end after 3 s don't mislead it (seed %i)", (seed) => {
    const { busiestToMean, worstSecond } = simulate(scene(seed, { sessionMs: 3000 }));
    expect(busiestToMean).toBeLessThanOrEqual(1.1);
    expect(worstSecond).toBeLessThanOrEqual(2.5);
  });

  it.each(seeds)("pods of weight 5 get five times as much as pods of weight 1 (seed %i)", (seed) => {
    const { busiestToMean, placed } = simulate(scene(seed, { weight: (pod) => (pod < 10 ? 5 : 1) }));
    expect(busiestToMean).toBeLessThanOrEqual(1.06);
    const heavy = placed.slice(0, 10).reduce((sum, count) => sum + count, 0) / 10;
    const light = placed.slice(10).reduce((sum, count) => sum + count, 0) / 90;
    expect(heavy / light).toBeGreaterThan(4.8);
    expect(heavy / light).toBeLessThan(5.2);
  });

  it("fault 22: callers that see the same state don't all pick the same pod, as with the lowest load", () => {
    const random = seeded(4);
    const lowest = simulate(scene(4, { random, balancer: () => lowestLoad(random) }));
    const ours = simulate(scene(4));
    expect(lowest.worstSecond).toBeGreaterThan(20);
    expect(lowest.busiestToMean).toBeGreaterThan(4);
    expect(ours.worstSecond).toBeLessThan(lowest.worstSecond / 20);
    expect(ours.busiestToMean).toBeLessThan(lowest.busiestToMean / 4);
  });
});

describe("3 pods, 1,000 users", () => {
  const cases = [1, 2].flatMap((callers) =>
    [500, 5000].flatMap((rate) => [100, 2000].map((reportEveryMs) => ({ callers, rate, reportEveryMs }))),
  );

  it.each(cases)(
    "$callers callers, $rate a second, reports every $reportEveryMs ms: at most 1.08 times the mean",
    ({ callers, rate, reportEveryMs }) => {
      const parts = { pods: 3, callers, placementsPerSecond: rate, seconds: 1000 / rate, reportEveryMs };
      for (const seed of seeds) {
        const { placed, busiestToMean } = simulate(scene(seed, parts));
        expect(placed.reduce((sum, count) => sum + count, 0)).toBe(1000);
        expect(busiestToMean).toBeLessThanOrEqual(1.08);
      }
    },
  );
});
