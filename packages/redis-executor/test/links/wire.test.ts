import { expect, test } from "vitest";
import type { PendingOp, WireOpKind } from "../../src/links/pending-op.ts";
import type { Batch } from "../../src/links/runs.ts";
import { batchesOf } from "../../src/links/runs.ts";
import { decodeReply } from "../../src/links/wire.ts";

const NOW_US = 1_700_000_000_000_000;

function batchOf(kind: WireOpKind, count: number, op: object = { lifetime: "persistent", owner: {} }): Batch {
  const ops = Array.from(
    { length: count },
    () => ({ group: 1, op: { kind, ...op }, isAlone: false }) as unknown as PendingOp,
  );
  const [batch] = batchesOf(ops, 0);
  if (batch === undefined) throw new Error("no batch");
  return batch;
}

test("the values of a run of reads come in one text, a line each", () => {
  const { runs, ...rest } = decodeReply(batchOf("get", 3), [NOW_US, 1, "=a\n0\nb"]);
  expect(rest).toEqual({ nowUs: NOW_US, brokenValues: 1 });
  expect([0, 1, 2].map((index) => runs[0]?.at(index))).toEqual(["a", "0", "b"]);
});

test("the moment alone says that all new links were made", () => {
  expect(decodeReply(batchOf("setIfAbsent", 3), NOW_US)).toEqual({ nowUs: NOW_US, brokenValues: 0, runs: [undefined] });
});

const FLOOR = { lifetime: "persistent", owner: { tokenFloor: "7" } };

test.each([
  ["the moment alone for reads", batchOf("get", 3), NOW_US],
  ["the moment alone for what another script carries out", batchOf("setIfAbsent", 3, FLOOR), NOW_US],
  ["no whole moment", batchOf("setIfAbsent", 3), 0.5],
  ["fewer values than reads", batchOf("get", 3), [NOW_US, 0, "=a\nb"]],
  ["more values than reads", batchOf("get", 3), [NOW_US, 0, "=a\nb\nc\nd"]],
  ["stored values for what is no read of a link", batchOf("services", 2), [NOW_US, 0, "=a\nb"]],
  ["fewer answers than operations", batchOf("get", 3), [NOW_US, 0, "0", "0"]],
  ["more answers than operations", batchOf("get", 3), [NOW_US, 0, "0", "0", "0", "0"]],
  ["no time", batchOf("get", 1), ["soon", 0, "0"]],
  ["no list", batchOf("get", 1), "0"],
])("a reply with %s is none", (_, batch, reply) => {
  expect(() => decodeReply(batch, reply)).toThrow("reply");
});
