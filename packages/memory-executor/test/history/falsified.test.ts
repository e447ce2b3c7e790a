import type { FalsehoodKind } from "@podlink/testkit";
import { checkHistory, falsify } from "@podlink/testkit";
import { expect, test } from "vitest";
import { applyLinkOp } from "../../src/index.ts";
import { lossyHistories } from "./lossy-histories.ts";
import { FIRST, historyOf, naming, reservation } from "./told.ts";

const KINDS: readonly FalsehoodKind[] = [
  "a token twice",
  "two winners",
  "a token that went back",
  "a link that nobody made",
];

test("a thousand histories with one reply falsified are all rejected", async () => {
  const histories = await lossyHistories({ firstSeed: 50_000, count: 280 });
  const rejected = new Map<FalsehoodKind, number>();
  for (const [index, history] of histories.entries()) {
    for (const kind of KINDS) {
      const lie = falsify(history, { seed: index, kind });
      if (lie === undefined) continue;
      const { verdict } = checkHistory(lie.history, { model: applyLinkOp });
      expect(verdict, `seed ${50_000 + index}, ${kind}, reply of ${lie.changed}`).toBe("contradiction");
      rejected.set(kind, (rejected.get(kind) ?? 0) + 1);
    }
  }
  expect([...rejected.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(1000);
  for (const kind of KINDS) expect(rejected.get(kind), kind).toBeGreaterThan(200);
});

test("one reply is changed, nothing else; the same seed changes the same", async () => {
  const [history] = await lossyHistories({ firstSeed: 50_000, count: 1 });
  if (history === undefined) throw new Error("there is one");
  const lie = falsify(history, { seed: 3 });
  expect(lie).toEqual(falsify(history, { seed: 3 }));
  const changed = lie?.history.operations.filter((recorded) => !history.operations.includes(recorded));
  expect(changed?.map(({ id }) => id)).toEqual([lie?.changed]);
});

test("where there is no place for a lie, none is told", () => {
  const link = reservation(1, FIRST);
  const history = historyOf([{ asked: { kind: "set", ...naming(1) }, at: [1, 2], told: { link } }]);
  for (const kind of ["a token twice", "two winners", "a token that went back"] as const) {
    expect(falsify(history, { seed: 1, kind })).toBeUndefined();
  }
  expect(falsify(history, { seed: 1 })?.kind).toBe("a link that nobody made");
  expect(falsify({ operations: [] }, { seed: 1 })).toBeUndefined();
});
