import type { LinkHistory } from "@podlink/testkit";
import { checkHistory } from "@podlink/testkit";
import { beforeAll, expect, test } from "vitest";
import { applyLinkOp } from "../../src/index.ts";
import { lossyHistories } from "./lossy-histories.ts";

const COUNT = 400;
let histories: LinkHistory[] = [];

beforeAll(async () => {
  histories = await lossyHistories({ firstSeed: 20_000, count: COUNT });
});

test("histories of the memory store behind a lossy line are linearizable", () => {
  const started = performance.now();
  const verdicts = histories.map((history) => checkHistory(history, { model: applyLinkOp }));
  const seconds = (performance.now() - started) / 1000;
  for (const [index, verdict] of verdicts.entries()) {
    const text = "explanation" in verdict ? verdict.explanation : "";
    expect(verdict.verdict, `seed ${20_000 + index}\n${text}`).toBe("linearizable");
  }
  console.info(`${COUNT} histories checked, ${Math.round(COUNT / seconds)}/s`);
});

test("they have at least 30 operations of all kinds on at most 3 uids, overlap, and a fifth is doubtful", () => {
  const kinds = new Set<string>();
  let operations = 0;
  let doubtful = 0;
  for (const history of histories) {
    const recorded = history.operations;
    expect(recorded.length).toBeGreaterThanOrEqual(30);
    expect(new Set(recorded.map(({ op }) => op.uid)).size).toBeLessThanOrEqual(3);
    expect(new Set(recorded.map(({ client }) => client)).size).toBeGreaterThanOrEqual(2);
    const overlaps = recorded.some((one) =>
      recorded.some((other) => other.called > one.called && other.called < (one.returned ?? Infinity)),
    );
    expect(overlaps).toBe(true);
    for (const { op, outcome, attempts = 1 } of recorded) {
      kinds.add(op.kind);
      operations += 1;
      if (outcome.kind === "unknown" || attempts > 1) doubtful += 1;
    }
  }
  expect([...kinds].toSorted()).toEqual(["get", "remove", "renew", "replace", "set", "setIfAbsent", "trySet"]);
  expect(doubtful / operations).toBeGreaterThan(0.2);
});

test("the same seed gives the same program", async () => {
  const asked = (history: LinkHistory | undefined) =>
    history?.operations.map(({ client, op }) => `${client} ${op.kind} ${op.uid}`);
  const [again] = await lossyHistories({ firstSeed: 20_000, count: 1 });
  expect(asked(again)?.toSorted()).toEqual(asked(histories[0])?.toSorted());
});
