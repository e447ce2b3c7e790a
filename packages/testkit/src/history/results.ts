import type { Link, LinkOp, ResultOf } from "@podlink/types";
import type { AnsweredOp, RecordedOp } from "./recorded-op.ts";
import { isAnswered } from "./recorded-op.ts";

type Result = ResultOf<LinkOp>;
/** Any answer but that of `get`, with every part that one can have. */
interface Parts {
  readonly link?: Link;
  readonly previous?: Link;
  readonly superseded?: true;
  readonly acquired?: boolean;
  readonly created?: boolean;
  readonly taken?: true;
  readonly replaced?: boolean;
  readonly repeated?: true;
}

/** The link that an answer says there is after the operation. Absent: it says of none. */
export function linkAfter(result: Result): Link | undefined {
  if (result === undefined) return undefined;
  return "token" in result ? result : (result as Parts).link;
}

/** The link that an answer says there was just before the operation. Absent: it says of none. */
export function linkBefore(result: Result): Link | undefined {
  return result === undefined || "token" in result ? undefined : (result as Parts).previous;
}

/** The token that an answered operation claims to have made. */
export interface Claim {
  readonly token: number;
  /** Answered from the record: an earlier run of the same operation made it. */
  readonly isRepeated: boolean;
}

/** What token an answer claims that the operation made. Absent: none. */
export function claimOf({ op, outcome }: AnsweredOp): Claim | undefined {
  const { result } = outcome;
  if (op.kind === "get" || result === undefined || "token" in result) return undefined;
  const parts = result as Parts;
  if (parts.superseded === true || parts.link === undefined) return undefined;
  const made = {
    set: true,
    // Its own owned link keeps its token.
    trySet: parts.acquired === true && parts.link.token !== parts.previous?.token,
    setIfAbsent: parts.created === true || parts.taken === true,
    replace: parts.replaced === true,
    renew: false,
    remove: false,
  }[op.kind];
  return made ? { token: Number(parts.link.token), isRepeated: parts.repeated === true } : undefined;
}

/**
 * Whether two answers say the same.
 * @param toleranceMs by how much `expiresInMs` may differ.
 */
export function isSameResult(one: unknown, other: unknown, toleranceMs: number): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const left = one as Record<string, unknown>;
  const right = other as Record<string, unknown>;
  for (const name in left) {
    const value = left[name];
    const told = right[name];
    if (name === "expiresInMs" && typeof value === "number" && typeof told === "number") {
      if (Math.abs(value - told) > toleranceMs) return false;
    } else if (!isSameResult(value, told, toleranceMs)) return false;
  }
  for (const name in right) {
    if (left[name] === undefined && right[name] !== undefined) return false;
  }
  return true;
}

/** Two operations that claim to have made the same token. */
export interface TokenMadeTwice {
  readonly token: number;
  readonly operations: readonly [AnsweredOp, AnsweredOp];
}

/**
 * A token of a link is made by one operation only: who else claims it must be a repeat of that operation, answered from the
 * record. Finds the first two that contradict each other.
 */
export function tokenMadeTwice(operations: readonly RecordedOp[]): TokenMadeTwice | undefined {
  const makers = new Map<number, { readonly by: AnsweredOp; readonly isRepeated: boolean }>();
  for (const recorded of operations) {
    if (!isAnswered(recorded)) continue;
    const claim = claimOf(recorded);
    if (claim === undefined) continue;
    const { token, isRepeated } = claim;
    const known = makers.get(token);
    if (known !== undefined) {
      const isRepeat = opIdOf(known.by) === opIdOf(recorded) && (isRepeated || known.isRepeated);
      if (!isRepeat) return { token, operations: [known.by, recorded] };
      if (isRepeated) continue;
    }
    makers.set(token, { by: recorded, isRepeated });
  }
  return undefined;
}

/** What an operation's runs are recognised by; one without an id of its own is known by its place in the history. */
export function opIdOf({ id, op }: RecordedOp): string {
  return (op.kind === "get" ? undefined : op.opId) ?? `unnamed ${id}`;
}
