import type { LinkHistory } from "@podlink/testkit";
import { checkHistory, falsify, shrinkHistory } from "@podlink/testkit";
import { expect, test } from "vitest";
import { applyLinkOp } from "../../src/index.ts";
import { lossyHistories } from "./lossy-histories.ts";
import { FIRST, historyOf, naming, reservation, UNKNOWN } from "./told.ts";

const reasonOf = (history: LinkHistory): string => {
  const checked = checkHistory(history, { model: applyLinkOp });
  return checked.verdict === "contradiction" ? checked.reason : checked.verdict;
};

test("shrinking ends, keeps the contradiction, and every answer that is left is needed", async () => {
  const histories = await lossyHistories({ firstSeed: 70_000, count: 40 });
  for (const [index, history] of histories.entries()) {
    const lie = falsify(history, { seed: index });
    if (lie === undefined) continue;
    const reason = reasonOf(lie.history);
    const small = shrinkHistory(lie.history, (candidate) => reasonOf(candidate) === reason);
    expect(reasonOf(small), `seed ${70_000 + index}`).toBe(reason);
    expect(small.operations.length).toBeLessThanOrEqual(20);
    expect(small.operations.map(({ id }) => id)).toContain(lie.changed);
    for (const { id, outcome, op } of small.operations) {
      if (outcome.kind !== "answered") continue;
      const operations = small.operations.flatMap((one) =>
        one.id !== id ? [one] : op.kind === "get" ? [] : [{ ...one, outcome: { kind: "unknown" } as const }],
      );
      expect(reasonOf({ ...small, operations }), `seed ${70_000 + index} without the answer of ${id}`).not.toBe(reason);
    }
  }
});

test("an operation whose effect somebody saw stays, though without it all would contradict even more", () => {
  const [one, two] = [reservation(1, FIRST), reservation(2, FIRST + 5)];
  const history = historyOf([
    { asked: { kind: "set", ...naming(1) }, at: [1, 2], told: UNKNOWN },
    { asked: { kind: "get" }, at: [3, 4], told: one },
    { asked: { kind: "setIfAbsent", ...naming(2) }, at: [5, 6], told: { created: true, link: two } },
    { asked: { kind: "get" }, at: [7, 8], told: one },
    { asked: { kind: "get", uid: "bob" }, at: [9, 10], told: undefined },
  ]);
  const small = shrinkHistory(history, (candidate) => reasonOf(candidate) === "no order");
  expect(small.operations).toHaveLength(3);
  expect(small.operations.map(({ id }) => id)).toContain("o1");
});

test("what is fine is returned as it is", () => {
  const history = historyOf([{ asked: { kind: "get" }, at: [1, 2], told: undefined }]);
  expect(shrinkHistory(history, (candidate) => reasonOf(candidate) === "no order")).toBe(history);
});
