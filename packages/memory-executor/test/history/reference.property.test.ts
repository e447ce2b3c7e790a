import { checkHistory, propertyRuns } from "@podlink/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { applyLinkOp } from "../../src/index.ts";
import { hasExplanation } from "./reference-checker.ts";
import { smallHistories } from "./small-histories.ts";

test("the checker agrees with one that tries every order, run, time and token", () => {
  const runs = propertyRuns("the checker's reference", { numRuns: 400, seed: 20_261_125 });
  const verdicts = { linearizable: 0, contradiction: 0, undecided: 0 };
  const property = fc.property(smallHistories, (history) => {
    const checked = checkHistory(history, { model: applyLinkOp });
    verdicts[checked.verdict] += 1;
    const expected = hasExplanation(history) ? "linearizable" : "contradiction";
    expect(checked.verdict, "explanation" in checked ? checked.explanation : "").toBe(expected);
  });
  fc.assert(property, runs);
  // Both verdicts have been compared, and often.
  expect(verdicts.linearizable).toBeGreaterThan(runs.numRuns / 5);
  expect(verdicts.contradiction).toBeGreaterThan(runs.numRuns / 5);
});
