import { setImmediate as nextTurn } from "node:timers/promises";
import type { LinkHistory } from "@podlink/testkit";
import { checkHistory } from "@podlink/testkit";
import type { LinkOp, ResultOf } from "@podlink/types";
import { expect, test } from "vitest";
import { applyLinkOp } from "../../src/index.ts";
import { lossyHistories } from "./lossy-histories.ts";
import type { CarryOut, Execute } from "./lossy-store.ts";

/** How many of the histories of a store with a planted bug contradict the model. */
async function contradictions(carryOut: CarryOut): Promise<number> {
  const histories: LinkHistory[] = await lossyHistories({ firstSeed: 90_000, count: 60, carryOut });
  return histories.filter((history) => checkHistory(history, { model: applyLinkOp }).verdict === "contradiction")
    .length;
}

const right: CarryOut = (execute, op) => execute(op);

test("the same line without a bug: nothing is found", async () => {
  expect(await contradictions(right)).toBe(0);
});

test("a claim that reads first and writes later is found", async () => {
  const found = await contradictions(async (execute, op) => {
    if (op.kind !== "setIfAbsent") return right(execute, op, 1);
    const { namespace, service, uid } = op;
    const held = await execute({ kind: "get", namespace, service, uid });
    await nextTurn();
    if (held !== undefined) return execute(op);
    const { opId, owner, lifetime } = op;
    const { link } = await execute({ kind: "set", namespace, service, uid, opId: opId ?? "x", owner, lifetime });
    return { created: true, link };
  });
  expect(found).toBeGreaterThan(5);
});

test("a repeat under a new operation id is found: it runs twice and tells the second answer", async () => {
  const found = await contradictions((execute, op, sending) => {
    if (op.kind === "get" || sending === 1) return right(execute, op, sending);
    return execute({ ...op, opId: `r${sending}${op.opId}`.slice(0, 10) });
  });
  expect(found).toBeGreaterThan(5);
});

test("a client that repeats what isn't counted as sent again is found", async () => {
  const found = await contradictions(async (execute, op) => {
    if (op.kind === "set") await execute({ ...op, opId: "resent" });
    return right(execute, op, 1);
  });
  expect(found).toBeGreaterThan(5);
});

test("a release without its token is found", async () => {
  const found = await contradictions((execute, op) => {
    if (op.kind !== "remove" || op.expected === undefined) return right(execute, op, 1);
    const { expected: _, ...anything } = op;
    return execute(anything);
  });
  expect(found).toBeGreaterThan(5);
});

test("a lifetime that is one step too long is found", async () => {
  const found = await contradictions((execute, op) => right(execute, longer(op), 1));
  expect(found).toBeGreaterThan(5);
});

test("a renewal that gives a new token is found", async () => {
  const found = await contradictions(async (execute, op): Promise<ResultOf<LinkOp>> => {
    const result = await right(execute, op, 1);
    return op.kind === "renew" && result !== undefined && "renewed" in result && result.renewed
      ? renamed(execute, op)
      : result;
  });
  expect(found).toBeGreaterThan(5);
});

function longer(op: LinkOp): LinkOp {
  return op.kind === "setIfAbsent" && op.lifetime !== "persistent"
    ? { ...op, lifetime: { ttlMs: op.lifetime.ttlMs + 1 } }
    : op;
}

async function renamed(execute: Execute, op: Extract<LinkOp, { kind: "renew" }>): Promise<ResultOf<LinkOp>> {
  const { namespace, service, uid, lifetime } = op;
  const held = await execute({ kind: "get", namespace, service, uid });
  const owner = { podIndex: held?.podIndex ?? 0 };
  const { link } = await execute({ kind: "set", namespace, service, uid, owner, lifetime });
  return { renewed: true, link };
}
