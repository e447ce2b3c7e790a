import { propertyRuns } from "@podlink/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CacheModel } from "./support/cache/cache-model.ts";
import { CACHE_SECS, cachingCaller } from "./support/cache/caller.ts";
import { steps } from "./support/cache/steps.ts";

test("whatever order answers come in: nothing forgotten, older or too old is cached, no serving pod loses a user, every call settles", async () => {
  const runs = propertyRuns("cached links", { numRuns: 100, seed: 20261123 });
  let answers = 0;
  await fc.assert(
    fc.asyncProperty(steps(60), fc.scheduler(), async (program, scheduler) => {
      const model = new CacheModel(CACHE_SECS * 1000);
      const caller = await cachingCaller(model, scheduler);
      await fc.asyncModelRun(() => ({ model, real: caller }), program);
      await caller.end();
      expect(model.violations).toEqual([]);
      answers += model.answers;
    }),
    runs,
  );
  expect(answers).toBeGreaterThan(3 * runs.numRuns);
}, 300_000);
