import { propertyRuns } from "@podlink/testkit";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { OwnershipModel } from "./support/one-owner/ownership-model.ts";
import { PODS, Simulation } from "./support/one-owner/simulation.ts";
import { steps } from "./support/one-owner/steps.ts";

afterEach(() => vi.restoreAllMocks());

test("at one instant at most one pod serves a uid, under its present registration and token, and every call settles", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const runs = propertyRuns("one owner", { numRuns: 200, seed: 20261120 });
  let grants = 0;
  await fc.assert(
    fc.asyncProperty(steps(80), fc.scheduler(), async (program, scheduler) => {
      const model = new OwnershipModel();
      const simulation = new Simulation(model, scheduler);
      for (const index of PODS) simulation.begin(index);
      await simulation.clock.advance(50);
      await fc.asyncModelRun(() => ({ model, real: simulation }), program);
      await simulation.end();
      expect(model.violations).toEqual([]);
      grants += model.grants;
    }),
    runs,
  );
  expect(grants).toBeGreaterThan(3 * runs.numRuns);
}, 300_000);
