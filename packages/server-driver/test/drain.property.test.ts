import { propertyRuns } from "@podlink/testkit";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import type { Saving } from "./support/drain/counter-app.ts";
import { Fleet } from "./support/drain/fleet.ts";
import { lastDrain } from "./support/drain/last-drain.ts";
import { PODS, steps, UIDS } from "./support/drain/steps.ts";
import { OwnershipModel } from "./support/one-owner/ownership-model.ts";

const last = fc.record({
  othersThere: fc.boolean(),
  saving: fc.constantFrom<Saving>("at-once", "slowly", "throws", "hangs"),
  pushesLost: fc.boolean(),
});

afterEach(() => vi.restoreAllMocks());

test("whatever happens while pods drain: acknowledged changes are saved before a user moves, requests are answered, it ends in time", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const runs = propertyRuns("drain", { numRuns: 60, seed: 20261121 });
  const ends = { moved: 0, left: 0, unsaved: 0 };
  await fc.assert(
    fc.asyncProperty(steps(60), last, fc.scheduler(), async (program, drain, scheduler) => {
      const model = new OwnershipModel();
      const fleet = new Fleet(model, scheduler, UIDS);
      for (const podIndex of PODS) fleet.begin(podIndex);
      await fleet.simulation.clock.advance(50);
      await fc.asyncModelRun(() => ({ model, real: fleet }), program);
      await lastDrain(fleet, drain);
      await fleet.simulation.end();
      fleet.checkCounters();
      expect(model.violations).toEqual([]);
      for (const { driver } of fleet.simulation.lives) {
        const { moved = 0, left = 0, handOffsFailed = 0 } = driver.read();
        ends.moved += moved;
        ends.left += left;
        ends.unsaved += handOffsFailed;
      }
    }),
    runs,
  );
  // Without these the property would show nothing.
  expect(ends.moved).toBeGreaterThan(5 * runs.numRuns);
  expect(ends.left).toBeGreaterThan(runs.numRuns);
  expect(ends.unsaved).toBeGreaterThan(0);
}, 300_000);

test("a second stop shortens the wait for a request that doesn't end, and what is there is saved in time", async () => {
  const model = new OwnershipModel();
  const fleet = new Fleet(model, fc.schedulerFor([]), UIDS);
  for (const podIndex of PODS) fleet.begin(podIndex);
  await fleet.simulation.clock.advance(50);
  const app = fleet.app(1);
  app.saving = "slowly";
  void app.change("bob", "behind", 1_000_000);
  void app.change("bob", "behind", 0);
  await fleet.simulation.pass(10);
  void fleet.stop(1);
  // Hurries the drain of pod 1.
  await lastDrain(fleet, { othersThere: true, saving: "at-once", pushesLost: false });
  await fleet.simulation.end();
  fleet.checkCounters();
  expect(model.violations).toEqual([]);
  expect(fleet.counters.count("bob")).toBe(1);
  expect(app.life.driver.read()).toMatchObject({ left: 1 }); // all others stop too
});
