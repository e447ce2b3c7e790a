import type { Figures } from "@podlink/types";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fakeClock, IN_FLIGHT_FIGURES, InFlightWatcher } from "../../src/index.ts";
import { found } from "./links.ts";

function watcher() {
  const { violations, onViolation } = found();
  const clock = fakeClock();
  return { inFlight: new InFlightWatcher({ onViolation, clock }), violations, clock };
}

test("counters that come down to zero within the limit are right, whatever they were; one that stays is found", async () => {
  const figure = fc.record({
    name: fc.constantFrom(...IN_FLIGHT_FIGURES),
    begun: fc.nat(9),
    endsAfterMs: fc.nat(4000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(figure, { minLength: 1, maxLength: 6 }), fc.boolean(), async (all, plant) => {
      const { inFlight, violations, clock } = watcher();
      const startedMs = clock.nowMs();
      for (const [index, { name, begun, endsAfterMs }] of all.entries()) {
        const stays = plant && index === 0;
        const now = (): number => (stays || clock.nowMs() - startedMs < endsAfterMs ? begun + (stays ? 1 : 0) : 0);
        inFlight.add(`source ${index}`, { read: () => ({ [name]: now(), linkOperations: 99 }) });
      }
      const quiet = inFlight.whenQuiet();
      await clock.advance(6000);
      await quiet;
      expect(violations).toHaveLength(plant ? 1 : 0);
      if (plant)
        expect(violations[0]?.message).toMatch(
          /^still in flight 50\d\d\.0 ms after .*: source 0\.\w+ \d+.*; at first: /,
        );
    }),
    { numRuns: 50 },
  );
});

test("it resolves at the first reading in which all is zero", async () => {
  const { inFlight, clock } = watcher();
  const figures = { linksWaiting: 1 };
  inFlight.add("store", { read: () => Promise.resolve(figures) });
  let quiet = false;
  const waiting = inFlight.whenQuiet({ everyMs: 10 }).then(() => (quiet = true));
  await clock.advance(100);
  expect(quiet).toBe(false);
  figures.linksWaiting = 0;
  await clock.advance(10);
  expect(quiet).toBe(true);
  await waiting;
});

test("a counter below zero is found by any reading, and once", async () => {
  const { inFlight, violations } = watcher();
  inFlight.add("gateway", { read: () => ({ running: -1 }) });
  await inFlight.sample();
  await inFlight.sample();
  expect(violations).toMatchObject([{ message: "gateway.running is -1: more ended than had begun" }]);
});

test("a source without any of the figures, and no source at all, are errors, not silence", async () => {
  const { inFlight } = watcher();
  await expect(inFlight.whenQuiet()).rejects.toThrow("no source of figures was added");
  const added = inFlight.add("memory", { read: () => ({ linkOperations: 3 }) });
  await expect(inFlight.whenQuiet()).rejects.toThrow(/^memory has none of the figures linksWaiting, /);
  added.close();
  inFlight.add("own", { read: (): Figures => ({ jobs: 0 }) }, ["jobs"]);
  await inFlight.whenQuiet();
  expect(inFlight.observed).toBe(1);
});

test("a source that can't be read fails the reading and doesn't hide the others", async () => {
  const { inFlight, violations } = watcher();
  inFlight.add("down", { read: () => Promise.reject(new Error("connection refused")) });
  inFlight.add("up", { read: () => ({ waiting: -2 }) });
  await expect(inFlight.sample()).rejects.toThrow("connection refused");
  expect(violations).toHaveLength(1);
});
