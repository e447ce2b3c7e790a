import type { Expected, Lifetime, Link, LinkKey, LinkOp, ResultOf } from "@podlink/types";
import * as fc from "fast-check";

/** One step of a random history of one link. Tokens are named, not given: each store has its own. */
export type LinkHistoryStep =
  | { readonly step: "advance"; readonly ms: number }
  /** The last mutation once more, with the same id. */
  | { readonly step: "repeat" }
  | { readonly step: "op"; readonly draft: OpDraft };

interface OpDraft {
  readonly kind: LinkOp["kind"];
  readonly podIndex: number;
  /** Absent: a reservation, or nothing expected. */
  readonly incarnation: number | undefined;
  readonly lifetime: Lifetime;
  readonly graceMs: number;
  readonly renew: boolean;
  readonly isFloorAhead: boolean;
  /** Which token the operation expects. */
  readonly token: TokenName;
  /** Which other parts a renew or remove expects. */
  readonly expects: { readonly podIndex: boolean; readonly incarnation: boolean };
}

type TokenName = "current" | "stale" | "any";

/** The tokens of a link as one store has them. */
export interface KnownTokens {
  current: string;
  stale: string;
}

/** How far ahead of the current token a floor lies. */
const FLOOR_AHEAD = 5_000_000;

const draft: fc.Arbitrary<OpDraft> = fc.record({
  kind: fc.constantFrom("get", "set", "trySet", "trySet", "setIfAbsent", "setIfAbsent", "replace", "renew", "remove"),
  podIndex: fc.integer({ min: 0, max: 2 }),
  incarnation: fc.option(fc.integer({ min: 1_000_001, max: 1_000_003 }), { nil: undefined }),
  lifetime: fc.oneof(
    fc.constant("persistent" as const),
    fc.constantFrom(1, 1000, 5000, 60_000).map((ttlMs) => ({ ttlMs })),
  ),
  graceMs: fc.constantFrom(0, 1, 2000, 30_000),
  renew: fc.boolean(),
  isFloorAhead: fc.boolean(),
  token: fc.constantFrom("current", "current", "stale", "any"),
  expects: fc.record({ podIndex: fc.boolean(), incarnation: fc.boolean() }),
});

/** Random histories of one link. */
export const linkHistories: fc.Arbitrary<readonly LinkHistoryStep[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: draft.map((op) => ({ step: "op" as const, draft: op })) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(1, 999, 1000, 2000, 5000, 30_000).map((ms) => ({ step: "advance" as const, ms })),
    },
    { weight: 1, arbitrary: fc.constant({ step: "repeat" as const }) },
  ),
  { maxLength: 30 },
);

/** The operation that a draft stands for, with the tokens of one store. */
export function opOf(
  from: OpDraft,
  key: LinkKey,
  rest: { readonly tokens: KnownTokens; readonly opId: string },
): LinkOp {
  const { tokens, opId } = rest;
  const { kind } = from;
  switch (kind) {
    case "get":
      return { kind, ...key };
    case "set":
    case "trySet":
      return { kind, ...key, opId, ...named(from, tokens) };
    case "setIfAbsent": {
      const owned = named(from, tokens);
      return { kind, ...key, opId, ...owned, renew: from.renew && owned.lifetime !== "persistent" };
    }
    case "replace":
      return { kind, ...key, opId, ...named(from, tokens), expectedToken: tokenOf(from, tokens) ?? "1" };
    case "renew":
      return { kind, ...key, opId, expected: expectedOf(from, tokens), lifetime: from.lifetime };
    case "remove":
      return { kind, ...key, opId, graceMs: from.graceMs, expected: expectedOf(from, tokens) };
  }
}

/** Every link in an answer: what holds now first. */
export function linksIn(result: ResultOf<LinkOp>): Link[] {
  if (result === undefined) return [];
  if ("token" in result) return [result];
  const found = result as { readonly link?: Link; readonly previous?: Link };
  return [found.link, found.previous].filter((link) => link !== undefined);
}

function named({ podIndex, incarnation, lifetime, isFloorAhead }: OpDraft, { current }: KnownTokens) {
  const tokenFloor =
    isFloorAhead && current !== "0" ? { tokenFloor: String(Number(current) + FLOOR_AHEAD) } : undefined;
  return incarnation === undefined
    ? { owner: { podIndex, ...tokenFloor }, lifetime }
    : { owner: { podIndex, incarnation, ...tokenFloor }, lifetime: "persistent" as const };
}

function tokenOf({ token }: OpDraft, tokens: KnownTokens): string | undefined {
  return token === "any" ? undefined : tokens[token];
}

function expectedOf(from: OpDraft, tokens: KnownTokens): Expected {
  const token = tokenOf(from, tokens);
  return {
    ...(from.expects.podIndex ? { podIndex: from.podIndex } : undefined),
    ...(from.expects.incarnation && from.incarnation !== undefined ? { incarnation: from.incarnation } : undefined),
    ...(token === undefined ? undefined : { token }),
  };
}
