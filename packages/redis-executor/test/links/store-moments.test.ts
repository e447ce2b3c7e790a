import { propertyRuns } from "@podlink/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { StoreMoments } from "../../src/links/store-moments.ts";

const START_US = 1_700_000_000_000_000;

/** A look at the store: after a pause, with so long a way there and back, its clock having leapt before. */
const look = fc.record({
  pauseMs: fc.integer({ min: 0, max: 100_000 }),
  thereMs: fc.integer({ min: 0, max: 5000 }),
  backMs: fc.integer({ min: 0, max: 20_000 }), // as of a process whose event loop was blocked
  driftUs: fc.integer({ min: -400, max: 400 }),
});

function countSteps(looks: readonly (typeof look extends fc.Arbitrary<infer T> ? T : never)[], leapUsBefore: number[]) {
  const steps = { ahead: 0, back: 0 };
  const moments = new StoreMoments({
    onClockAhead: () => (steps.ahead += 1),
    onClockBack: () => (steps.back += 1),
  });
  let localMs = 0;
  let aheadUs = START_US;
  for (const [position, { pauseMs, thereMs, backMs, driftUs }] of looks.entries()) {
    aheadUs += (leapUsBefore[position] ?? 0) + Math.trunc((driftUs * pauseMs) / 1000);
    const sentAtMs = localMs + pauseMs;
    const readAtMs = sentAtMs + thereMs;
    localMs = readAtMs + backMs;
    moments.sawMoment(0, { nowUs: readAtMs * 1000 + aheadUs, sentAtMs, arrivedAtMs: localMs });
  }
  return steps;
}

test("a clock that goes as ours, seen over slow lines and by a process that stands still, never leaps", () => {
  fc.assert(
    fc.property(fc.array(look, { minLength: 2, maxLength: 20 }), (looks) => {
      expect(countSteps(looks, [])).toEqual({ ahead: 0, back: 0 });
    }),
    propertyRuns("a clock seen late", { numRuns: 500, seed: 1 }),
  );
});

test("a leap by more than a second and all that delays may hide is told once", () => {
  const delayed = fc.array(look, { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(delayed, fc.nat(), (looks, at) => {
      const position = 1 + (at % (looks.length - 1));
      const leaps = looks.map((_, index) => (index === position ? 3_600_000_000 : 0));
      expect(countSteps(looks, leaps)).toEqual({ ahead: 1, back: 0 });
    }),
    propertyRuns("a leap seen late", { numRuns: 500, seed: 1 }),
  );
});
