import type { LinkRecord } from "@podlink/memory-executor";
import type { Expected, Lifetime, LinkKey, LinkOp, Owner } from "@podlink/types";
import * as fc from "fast-check";

/** An operation as it is drawn: what depends on the link's state is filled in when its turn comes. */
interface Draft {
  readonly kind: LinkOp["kind"] | "again";
  readonly uid: number;
  readonly service: number;
  readonly podIndex: number;
  readonly incarnation: number | undefined;
  readonly lifetime: Lifetime;
  readonly floor: "none" | "an hour" | "too far";
  readonly opId: string | undefined;
  readonly renew: boolean;
  readonly token: "current" | "old";
  readonly expects: readonly ("podIndex" | "incarnation" | "token")[];
  readonly expectsLink: boolean;
  readonly graceMs: number;
}

/** What happens in one turn, after some time. */
export interface Step {
  readonly afterMs: number;
  readonly drafts: readonly Draft[];
}

const draft: fc.Arbitrary<Draft> = fc.record({
  kind: fc.oneof<fc.Arbitrary<Draft["kind"]>[]>(
    fc.constantFrom("get", "set", "trySet", "trySet", "replace"),
    fc.constantFrom("renew", "renew", "remove", "remove", "again"),
    fc.constant("setIfAbsent"),
  ),
  uid: fc.integer({ min: 0, max: 3 }),
  service: fc.integer({ min: 0, max: 1 }),
  podIndex: fc.constantFrom(0, 65_535, 65_535),
  incarnation: fc.constantFrom(undefined, undefined, undefined, 2, 3, 3, 2 ** 53 - 1),
  lifetime: fc.constantFrom<Lifetime>(
    "persistent",
    "persistent",
    { ttlMs: 1000 },
    { ttlMs: 50_000 },
    { ttlMs: 2 ** 40 },
  ),
  floor: fc.constantFrom(...Array<"none">(12).fill("none"), "an hour", "too far"),
  opId: fc.option(fc.constantFrom("a", "b", "0123456789"), { nil: undefined, freq: 2 }),
  renew: fc.constantFrom(true, true, false),
  token: fc.constantFrom("current", "current", "old"),
  expects: fc.subarray(["podIndex", "incarnation", "token"]),
  expectsLink: fc.boolean(),
  graceMs: fc.constantFrom(0, 700, 4000, 120_000, 120_000),
});

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    afterMs: fc.constantFrom(0, 0, 0, 0, 1, 1, 100, 100, 100, 400, 400, 400, 1000, 1000, 5000, 61_000),
    drafts: fc.uniqueArray(draft, { minLength: 1, maxLength: 8, selector: ({ uid, service }) => `${uid}/${service}` }),
  }),
  { minLength: 40, maxLength: 60, size: "max" },
);

export interface Situation {
  readonly key: LinkKey;
  readonly record: LinkRecord | undefined;
  /** The last mutation of the link. */
  readonly last: LinkOp | undefined;
  readonly nowMs: number;
}

/** The operation that a draft is in a situation. */
export function opOf(drawn: Draft, { key, record, last, nowMs }: Situation): LinkOp {
  const mark = drawn.opId === undefined ? undefined : { opId: drawn.opId };
  const token = drawn.token === "current" ? String(record?.token ?? 1) : "1";
  switch (drawn.kind) {
    case "get":
      return { kind: "get", ...key };
    case "again":
      // With the id that the record has, it may be the operation that made the record.
      return { opId: record?.opId, ...(last ?? { kind: "get", ...key }) } as LinkOp;
    case "set":
    case "trySet":
      return { kind: drawn.kind, ...key, ...named(drawn, nowMs), ...mark };
    case "setIfAbsent": {
      const naming = named(drawn, nowMs);
      const renew = drawn.renew && naming.lifetime !== "persistent" ? { renew: true } : undefined;
      return { kind: "setIfAbsent", ...key, ...naming, ...renew, ...mark };
    }
    case "replace":
      return { kind: "replace", ...key, ...named(drawn, nowMs), expectedToken: token, ...mark };
    case "renew":
      return { kind: "renew", ...key, expected: expected(drawn, record), lifetime: drawn.lifetime, ...mark };
    case "remove":
      return { kind: "remove", ...key, expected: expected(drawn, record), graceMs: drawn.graceMs, ...mark };
  }
}

function named(drawn: Draft, nowMs: number): { readonly owner: Owner; readonly lifetime: Lifetime } {
  const aheadMs = { none: undefined, "an hour": 3_600_000, "too far": 86_400_001 }[drawn.floor];
  const owner = {
    podIndex: drawn.podIndex,
    ...(drawn.incarnation === undefined ? undefined : { incarnation: drawn.incarnation }),
    ...(aheadMs === undefined ? undefined : { tokenFloor: String((nowMs + aheadMs) * 1000) }),
  };
  return { owner, lifetime: drawn.incarnation === undefined ? drawn.lifetime : "persistent" };
}

function expected(drawn: Draft, record: LinkRecord | undefined): Expected {
  const wanted = {
    podIndex: drawn.expectsLink ? (record?.podIndex ?? 0) : drawn.podIndex,
    incarnation: (drawn.expectsLink ? record?.incarnation : drawn.incarnation) ?? 1,
    token: drawn.token === "current" ? String(record?.token ?? 1) : "1",
  };
  return Object.fromEntries(drawn.expects.map((part) => [part, wanted[part]]));
}
