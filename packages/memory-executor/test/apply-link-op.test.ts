import { expect, test } from "vitest";
import type { LinkContext, LinkRecord } from "../src/index.ts";
import { applyLinkOp } from "../src/index.ts";

const key = { namespace: "prod", service: "room", uid: "alice" };
const context: LinkContext = {
  nowMs: 1_000_000,
  nowUs: 1_000_000_000,
  highestToken: 0,
  opId: "made",
  ownedTtlMs: 5000,
};
const held: LinkRecord = Object.freeze({
  podIndex: 1,
  incarnation: 7,
  token: 2_000_000_000,
  kind: "owned",
  persistent: true,
  expiresAtMs: 1_004_000,
  opId: "old",
  opKind: "set",
} as const);
const toPod2 = { kind: "set", ...key, owner: { podIndex: 2 }, lifetime: { ttlMs: 1000 } } as const;

test("the record is not touched: what becomes of it comes back", () => {
  const { record, result, taken } = applyLinkOp(held, toPod2, context);
  expect(held.podIndex).toBe(1);
  expect(record).toEqual({
    podIndex: 2,
    token: 2_000_000_001,
    kind: "reservation",
    persistent: false,
    expiresAtMs: 1_001_000,
    opId: "made",
    opKind: "set",
  });
  expect(result).toMatchObject({ previous: { podIndex: 1 } });
  expect(taken).toEqual({ fromPodIndex: 1, link: "link" in result && result.link });
});

test("the very same record comes back when nothing changes", () => {
  for (const op of [
    { kind: "get", ...key },
    { kind: "setIfAbsent", ...key, owner: { podIndex: 2 }, lifetime: { ttlMs: 1 } },
    { kind: "trySet", ...key, owner: { podIndex: 2 }, lifetime: { ttlMs: 1 } },
    { kind: "replace", ...key, owner: { podIndex: 2 }, lifetime: { ttlMs: 1 }, expectedToken: "1" },
    { kind: "renew", ...key, expected: { podIndex: 2 }, lifetime: { ttlMs: 1 } },
    { kind: "remove", ...key, expected: { podIndex: 2 }, graceMs: 0 },
    { kind: "set", ...key, owner: { podIndex: 1, incarnation: 6 }, lifetime: "persistent" },
  ] as const) {
    expect(applyLinkOp(held, op, context).record, op.kind).toBe(held);
  }
});

test.each<[string, Partial<LinkContext>, { tokenFloor?: string }, LinkRecord | undefined, number]>([
  ["the time", {}, {}, undefined, 1_000_000_000],
  ["the link's own token", {}, {}, held, 2_000_000_001],
  ["the token of the expired record", {}, {}, { ...held, expiresAtMs: 5 }, 2_000_000_001],
  ["the highest seen", { highestToken: 3_000_000_000 }, {}, held, 3_000_000_001],
  ["the floor", { highestToken: 3_000_000_000 }, { tokenFloor: "4000000000" }, held, 4_000_000_001],
])("a new token is above %s when that is the highest", (_, changes, floor, record, token) => {
  const op = { ...toPod2, owner: { podIndex: 2, ...floor } };
  expect(applyLinkOp(record, op, { ...context, ...changes }).record?.token).toBe(token);
});

test("a floor of exactly one day ahead is taken, one more is refused", () => {
  const dayAhead = context.nowUs + 86_400_000_000;
  const withFloor = (floor: number) => ({ ...toPod2, owner: { podIndex: 2, tokenFloor: String(floor) } });
  expect(applyLinkOp(undefined, withFloor(dayAhead), context).record?.token).toBe(dayAhead + 1);
  expect(() => applyLinkOp(undefined, withFloor(dayAhead + 1), context)).toThrow("tokenFloor");
});

test("a temporary link that is removed with a grace keeps its mark; a persistent one gets the goodbye's", () => {
  const remove = { kind: "remove", ...key, graceMs: 500, opId: "bye" } as const;
  const temporary: LinkRecord = { ...held, kind: "reservation", persistent: false };
  expect(applyLinkOp(temporary, remove, context).record).toEqual({ ...temporary, expiresAtMs: 1_000_500 });
  expect(applyLinkOp(held, remove, context).record).toEqual({
    ...held,
    kind: "goodbye",
    persistent: false,
    expiresAtMs: 1_000_500,
    opId: "bye",
    opKind: "goodbye",
  });
});

test("without a grace no record is left", () => {
  expect(applyLinkOp(held, { kind: "remove", ...key, graceMs: 0 }, context).record).toBeUndefined();
});

test("a goodbye lasts for the whole grace, even when the link's own keeping ends before", () => {
  const remove = { kind: "remove", ...key, graceMs: 60_000 } as const;
  expect(applyLinkOp(held, remove, context).record?.expiresAtMs).toBe(1_060_000);
});
