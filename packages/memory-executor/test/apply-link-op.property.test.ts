import type { LinkOp } from "@podlink/types";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { LinkContext, LinkRecord } from "../src/index.ts";
import { applyLinkOp } from "../src/index.ts";

const key = { namespace: "prod", service: "room", uid: "alice" };
const context: LinkContext = {
  nowMs: 1_000_000,
  nowUs: 1_000_000_000,
  highestToken: 900_000_000,
  opId: "made",
  ownedTtlMs: 5000,
};

const podIndex = fc.integer({ min: 0, max: 1 });
const incarnation = fc.integer({ min: 1, max: 3 });
const token = fc.constantFrom(1, 1_500_000_000);
const expiresAtMs = fc.constantFrom(999_999, 1_000_000, 1_000_001, 1_003_000);
const mark = { opId: fc.constant("old"), opKind: fc.constant("set" as const) };

const records: fc.Arbitrary<LinkRecord | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({
    podIndex,
    incarnation,
    token,
    expiresAtMs,
    ...mark,
    kind: fc.constant("owned" as const),
    persistent: fc.constant(true),
  }),
  fc.record({
    podIndex,
    token,
    expiresAtMs,
    ...mark,
    kind: fc.constant("reservation" as const),
    persistent: fc.boolean(),
  }),
  fc.record({
    podIndex,
    incarnation,
    token,
    expiresAtMs,
    ...mark,
    kind: fc.constant("goodbye" as const),
    persistent: fc.constant(false),
  }),
);

const owners = fc.oneof(
  fc.record({ owner: fc.record({ podIndex, incarnation }), lifetime: fc.constant("persistent" as const) }),
  fc.record({ owner: fc.record({ podIndex }), lifetime: fc.constantFrom("persistent" as const, { ttlMs: 1000 }) }),
);
const expected = fc.record({ podIndex, incarnation, token: token.map(String) }, { requiredKeys: [] });
const mutations: fc.Arbitrary<LinkOp> = fc.oneof(
  owners.map((named) => ({ kind: "set" as const, ...key, ...named })),
  owners.map((named) => ({ kind: "trySet" as const, ...key, ...named })),
  owners.map((named) => ({ kind: "setIfAbsent" as const, ...key, ...named })),
  fc
    .tuple(owners, token)
    .map(([named, seen]) => ({ kind: "replace" as const, ...key, ...named, expectedToken: String(seen) })),
  expected.map((all) => ({ kind: "renew" as const, ...key, expected: all, lifetime: { ttlMs: 2000 } })),
  fc
    .tuple(expected, fc.constantFrom(0, 500))
    .map(([all, graceMs]) => ({ kind: "remove" as const, ...key, expected: all, graceMs })),
);

test("whatever the record and the operation: pure, tokens grow, a new token is a new mark, owned is persistent", () => {
  const property = fc.property(records, mutations, (record, op) => {
    const before = structuredClone(record);
    const step = applyLinkOp(record, op, context);
    expect(record).toEqual(before);
    expect(applyLinkOp(record, op, context)).toEqual(step);
    const after = step.record;
    if (after === undefined) return;
    if (record !== undefined) expect(after.token).toBeGreaterThanOrEqual(record.token);
    if (after.token !== record?.token) expect(after).toMatchObject({ opId: "made" });
    if (after.token !== record?.token) expect(after.token).toBeGreaterThan(context.highestToken);
    if (after !== record && after.kind === "owned") expect(after).toMatchObject({ persistent: true });
    if (after.kind === "goodbye") expect(after.persistent).toBe(false);
    if (after !== record) expect(after.expiresAtMs).toBeGreaterThan(context.nowMs);
  });
  fc.assert(property, { numRuns: 2000 });
});
