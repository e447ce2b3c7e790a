import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { powerOfTwoChoices } from "@podlink/load-balancer";
import { seeded, snapshotOf, tally } from "./snapshots.ts";

const anyPod = fc.record({
  podIndex: fc.nat(65_535),
  incarnation: fc.integer({ min: 1, max: 1000 }),
  reportNumber: fc.nat(1000),
  loadScore: fc.double({ min: 0, max: 100, noNaN: true }),
  linkCount: fc.nat(100_000),
  weight: fc.double({ min: 0.01, max: 1000, noNaN: true }),
  warmth: fc.double({ min: 0, max: 1, noNaN: true }),
});
const anyPods = fc.uniqueArray(anyPod, { minLength: 1, maxLength: 12, selector: (pod) => pod.podIndex });

describe("power of two choices", () => {
  it("fault 1: pod 0, the only pod, is chosen", () => {
    expect(powerOfTwoChoices().select(snapshotOf([{ podIndex: 0 }]))).toBe(0);
  });

  it("chooses none where there is none", () => {
    expect(powerOfTwoChoices().select(snapshotOf([]))).toBeUndefined();
  });

  it("chooses none when the only pod must not be chosen", () => {
    expect(powerOfTwoChoices().select(snapshotOf([{}]), { except: 0 })).toBeUndefined();
  });

  it("chooses the only other one", () => {
    const balancer = powerOfTwoChoices();
    const pods = snapshotOf([{ linkCount: 0 }, { linkCount: 1e6 }]);
    for (let turn = 0; turn < 20; turn += 1) expect(balancer.select(pods, { except: 0 })).toBe(1);
  });

  it("a position outside of the snapshot excepts nobody", () => {
    expect(powerOfTwoChoices().select(snapshotOf([{}]), { except: 5 })).toBe(0);
  });

  it("only ever chooses a pod of the snapshot, and never the excepted one", () => {
    fc.assert(
      fc.property(anyPods, fc.nat(12), fc.integer(), (pods, except, seed) => {
        const balancer = powerOfTwoChoices({ random: seeded(seed) });
        const snapshot = snapshotOf(pods);
        for (let turn = 0; turn < 20; turn += 1) {
          const position = balancer.select(snapshot, { except });
          if (position === undefined) expect(pods.length === 1 && except === 0).toBe(true);
          else {
            expect(position).toBeGreaterThanOrEqual(0);
            expect(position).toBeLessThan(pods.length);
            expect(position).not.toBe(except);
          }
        }
      }),
    );
  });

  it("fault 16: of two pods alike but for one number, the busier never looks lighter", () => {
    const busier = fc.constantFrom("linkCount" as const, "loadScore" as const);
    fc.assert(
      fc.property(
        anyPod,
        busier,
        fc.double({ min: 0.5, max: 50, noNaN: true }),
        fc.integer(),
        (pod, field, more, seed) => {
          const light = { ...pod, podIndex: 1, warmth: 1, loadScore: pod.loadScore / 2 };
          const heavy = { ...light, podIndex: 2, [field]: light[field] + more };
          const balancer = powerOfTwoChoices({ random: seeded(seed) });
          expect(balancer.select(snapshotOf([light, heavy]))).toBe(0);
          expect(powerOfTwoChoices({ random: seeded(seed) }).select(snapshotOf([heavy, light]))).toBe(1);
        },
      ),
    );
  });

  it("own placements count until a report has them", () => {
    const balancer = powerOfTwoChoices({ random: seeded(1) });
    const pods = snapshotOf([{}, {}]);
    expect(tally(2, 100, () => balancer.select(pods))).toEqual([50, 50]);
  });

  it("own placements that the report contains don't count twice", () => {
    const balancer = powerOfTwoChoices({ random: seeded(1) });
    const before = snapshotOf([{ reportNumber: 1 }, { reportNumber: 1 }]);
    expect(tally(2, 100, () => balancer.select(before))).toEqual([50, 50]);
    // Only the first has reported since. Were they counted twice, the second would be the lighter one for fifty turns.
    const after = snapshotOf([{ reportNumber: 2, linkCount: 50 }, { reportNumber: 1 }]);
    expect(tally(2, 10, () => balancer.select(after))).toEqual([5, 5]);
  });

  it("own placements that an older report can't contain are carried until the next one", () => {
    const balancer = powerOfTwoChoices({ random: seeded(1) });
    const before = snapshotOf([{ reportNumber: 1 }, { reportNumber: 1 }]);
    for (let turn = 0; turn < 100; turn += 1) balancer.select(before);
    const after = snapshotOf([
      { reportNumber: 2, linkCount: 10 }, // made after ten of fifty
      { reportNumber: 2, linkCount: 50 },
    ]);
    const [first, second] = tally(2, 100, () => balancer.select(after)) as [number, number];
    expect(Math.abs(first - second)).toBeLessThanOrEqual(20);
  });

  it("another life of a pod starts without our placements", () => {
    const balancer = powerOfTwoChoices({ random: seeded(1) });
    for (let turn = 0; turn < 100; turn += 1) balancer.select(snapshotOf([{}, {}]));
    const reborn = snapshotOf([{ incarnation: 2 }, {}]);
    expect(tally(2, 40, () => balancer.select(reborn))).toEqual([40, 0]);
  });

  it("a placement that somebody else's link won doesn't count", () => {
    const balancer = powerOfTwoChoices({ random: seeded(1) });
    const pods = snapshotOf([{}, { linkCount: 3 }]);
    for (let turn = 0; turn < 20; turn += 1) {
      expect(balancer.select(pods)).toBe(0);
      balancer.settled?.(0, "lost");
    }
    balancer.settled?.(9999, "lost"); // never seen: nothing happens
    expect(balancer.select(pods)).toBe(0);
    balancer.settled?.(0, "placed");
    expect(tally(2, 2, () => balancer.select(pods))).toEqual([2, 0]);
  });

  it("a taken-back placement may have been carried over a report", () => {
    const balancer = powerOfTwoChoices({ random: seeded(1) });
    const first = snapshotOf([{ reportNumber: 1 }, { reportNumber: 1, linkCount: 1000 }]);
    for (let turn = 0; turn < 10; turn += 1) balancer.select(first);
    const second = snapshotOf([{ reportNumber: 2 }, { reportNumber: 1, linkCount: 5 }]);
    for (let turn = 0; turn < 10; turn += 1) {
      balancer.select(second, { except: 0 });
      balancer.settled?.(1, "lost");
    }
    expect(balancer.select(second)).toBe(1); // ten are carried: heavier than five
    for (let turn = 0; turn < 10; turn += 1) balancer.settled?.(0, "lost");
    expect(balancer.select(second)).toBe(0);
  });

  it("a pod half as warm as another is passed over in half of its turns", () => {
    const random = seeded(7);
    const pods = snapshotOf([{ warmth: 0.5 }, { linkCount: 1e6 }]);
    const balancer = powerOfTwoChoices({ random });
    const [young] = tally(2, 2000, () => balancer.select(pods)) as [number, number];
    expect(young).toBeGreaterThan(900);
    expect(young).toBeLessThan(1100);
  });

  it("a pod without any warmth is chosen when there is no other", () => {
    const balancer = powerOfTwoChoices();
    expect(balancer.select(snapshotOf([{ warmth: 0 }]))).toBe(0);
    expect(balancer.select(snapshotOf([{ warmth: 0 }, { warmth: 0 }]))).toBeDefined();
  });

  it("pods that are all young share evenly", () => {
    const balancer = powerOfTwoChoices({ random: seeded(3) });
    const pods = snapshotOf([{ warmth: 0.1 }, { warmth: 0.12 }, { warmth: 0.1 }]);
    for (const count of tally(3, 999, () => balancer.select(pods))) expect(Math.abs(count - 333)).toBeLessThan(20);
  });

  it("shares follow the weights", () => {
    const balancer = powerOfTwoChoices({ random: seeded(5) });
    const pods = snapshotOf([{ weight: 1 }, { weight: 2 }, { weight: 5 }]);
    const counts = tally(3, 8000, () => balancer.select(pods));
    for (const [position, share] of [1000, 2000, 5000].entries()) {
      expect(Math.abs(counts[position]! - share)).toBeLessThan(share * 0.05);
    }
  });

  it("a pod that is almost always drawn leaves a second choice", () => {
    const balancer = powerOfTwoChoices({ random: seeded(5) });
    const pods = snapshotOf([{ weight: 1000, linkCount: 1e9 }, { weight: 0.01 }, { weight: 0.01, linkCount: 1e9 }]);
    expect(tally(3, 100, () => balancer.select(pods))[1]).toBeGreaterThan(50);
  });

  it("weights that change are seen", () => {
    const balancer = powerOfTwoChoices({ random: seeded(5) });
    const even = snapshotOf([{}, {}, {}]);
    for (let turn = 0; turn < 3; turn += 1) balancer.select(even);
    const skewed = snapshotOf([{ weight: 8, reportNumber: 2 }, { reportNumber: 2 }, { reportNumber: 2 }]);
    const counts = tally(3, 1000, () => balancer.select(skewed));
    expect(counts[0]).toBeGreaterThan(750);
  });

  it("draws every pair as often as any other, whichever position is excepted", () => {
    const balancer = powerOfTwoChoices({ random: seeded(11) });
    for (const except of [undefined, 0, 2, 4]) {
      const others = [0, 1, 2, 3, 4].filter((position) => position !== except);
      // The lightest of two wins: the heaviest never, the others as often as they are the lighter one of a pair.
      const pods = snapshotOf(Array.from({ length: 5 }, (_, position) => ({ linkCount: position * 1000 })));
      const counts = tally(5, 6000, () => {
        const position = balancer.select(pods, except === undefined ? undefined : { except });
        if (position !== undefined) balancer.settled?.(position, "lost");
        return position;
      });
      const pairs = (others.length * (others.length - 1)) / 2;
      for (const [rank, position] of others.entries()) {
        const share = (6000 * (others.length - 1 - rank)) / pairs;
        expect(Math.abs(counts[position]! - share)).toBeLessThan(200);
      }
    }
  });

  it("the same seed makes the same choices", () => {
    const pods = snapshotOf(Array.from({ length: 20 }, (_, podIndex) => ({ podIndex, linkCount: podIndex })));
    const run = (seed: number): (number | undefined)[] => {
      const balancer = powerOfTwoChoices({ random: seeded(seed) });
      return Array.from({ length: 50 }, () => balancer.select(pods));
    };
    expect(run(9)).toEqual(run(9));
    expect(run(9)).not.toEqual(run(10));
  });

  it("pod index 65535 is an ordinary pod", () => {
    const balancer = powerOfTwoChoices();
    const pods = snapshotOf([{ podIndex: 65_535 }, { podIndex: 0, linkCount: 1e6 }]);
    expect(balancer.select(pods)).toBe(0);
  });
});
