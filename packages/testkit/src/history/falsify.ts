import type { Link, LinkOp, ResultOf } from "@podlink/types";
import type { AnsweredOp, LinkHistory, RecordedOp } from "./recorded-op.ts";
import { byLink, isAnswered } from "./recorded-op.ts";
import { claimOf, linkAfter, linkBefore, opIdOf } from "./results.ts";
import { SeededRandom } from "../seeded-random.ts";

/** Which lie is told. */
export type FalsehoodKind = "a token twice" | "two winners" | "a token that went back" | "a link that nobody made";

export interface FalsifyOptions {
  /** Which of the possible places is taken, and which kind. Any whole number. */
  readonly seed: number;
  /** Default: one of those that the history offers a place for. */
  readonly kind?: FalsehoodKind;
}

/** A history with one reply changed. */
export interface Falsehood {
  readonly kind: FalsehoodKind;
  /** The id of the operation whose reply was changed. */
  readonly changed: string;
  readonly history: LinkHistory;
}

/** A place for a lie: an operation and what its caller is told instead. */
interface Place {
  readonly recorded: AnsweredOp;
  readonly result: ResultOf<LinkOp>;
}

/** @param operations the answered ones of a link. @param all all of that link. */
type Finder = (operations: readonly AnsweredOp[], all: readonly RecordedOp[]) => Place[];

const FINDERS: Readonly<Record<FalsehoodKind, Finder>> = {
  "a token twice": tokenTwice,
  "two winners": twoWinners,
  "a token that went back": tokenBack,
  "a link that nobody made": madeByNobody,
};

/**
 * Changes one reply of a history so that no order explains it, whatever the doubtful runs did: what a checker must reject.
 * Each kind is impossible by construction, from two facts: a token of a link is made once, and a link has one token at a
 * time. The history given is one that a checker accepts, and its tokens don't repeat.
 *
 * - "a token twice": an operation that made a token is told to have made the one that another operation made.
 * - "two winners": token X was seen by an operation that returned before this one was called, and by one that was called
 *   after it returned; so the link had X all the while. This one, which found the link held, is told that it holds the link
 *   now under a token of its own. Then X would have had to be made again.
 * - "a token that went back": X was seen, then, by operations that came one after the other, a higher token Y; a later
 *   read is told that the link has X. Again X would have had to be made twice.
 * - "a link that nobody made": a link names a pod that no operation of the history asked for.
 *
 * @returns undefined when the history offers no place
 */
export function falsify(history: LinkHistory, { seed, kind }: FalsifyOptions): Falsehood | undefined {
  const random = new SeededRandom(seed);
  const kinds = kind === undefined ? random.shuffled(Object.keys(FINDERS) as FalsehoodKind[]) : [kind];
  for (const chosen of kinds) {
    const places = [...byLink(history.operations).values()].flatMap((operations) =>
      FINDERS[chosen](operations.filter(isAnswered), operations),
    );
    if (places.length === 0) continue;
    const { recorded, result } = random.pick(places);
    const operations = history.operations.map((one): RecordedOp =>
      one === recorded ? { ...recorded, outcome: { kind: "answered", result } } : one,
    );
    return { kind: chosen, changed: recorded.id, history: { ...history, operations } };
  }
  return undefined;
}

function tokenTwice(operations: readonly AnsweredOp[]): Place[] {
  const places: Place[] = [];
  for (const recorded of operations) {
    const claim = claimOf(recorded);
    const { result } = recorded.outcome;
    if (claim === undefined || claim.isRepeated) continue;
    for (const other of operations) {
      const made = claimOf(other);
      if (made === undefined || made.token === claim.token || opIdOf(other) === opIdOf(recorded)) continue;
      // That would say that it kept the token it found.
      if (Number(linkBefore(result)?.token) === made.token) continue;
      places.push({ recorded, result: withLink(result, { token: String(made.token) }) });
    }
  }
  return places;
}

function twoWinners(operations: readonly AnsweredOp[]): Place[] {
  const fresh = String(1 + Math.max(0, ...operations.flatMap((recorded) => seenBy(recorded).map(Number))));
  return operations.flatMap((recorded) => {
    const result = lyingWinner(recorded, fresh);
    return result !== undefined && isWithinLifeOfToken(recorded, operations) ? [{ recorded, result }] : [];
  });
}

/** The answer of an operation that found the link held, as if it had got the link. */
function lyingWinner({ op, outcome }: AnsweredOp, token: string): ResultOf<LinkOp> {
  const found = linkAfter(outcome.result);
  if (found === undefined || !("owner" in op) || op.kind === "set") return undefined;
  const isRefused = { acquired: false, created: false, replaced: false };
  const told = outcome.result as Partial<typeof isRefused> & { readonly taken?: true; readonly superseded?: true };
  if (told.superseded === true || told.taken === true) return undefined;
  const { incarnation, podIndex } = op.owner;
  const { namespace, service, uid, lifetime } = op;
  const link: Link = {
    namespace,
    service,
    uid,
    podIndex,
    token,
    ...(incarnation === undefined ? {} : { incarnation }),
    kind: incarnation === undefined ? "reservation" : "owned",
    ...(lifetime === "persistent" ? {} : { expiresInMs: lifetime.ttlMs }),
  };
  if (op.kind === "trySet" && told.acquired === false) return { acquired: true, link };
  if (op.kind === "setIfAbsent" && told.created === false) return { created: true, link };
  return op.kind === "replace" && told.replaced === false ? { replaced: true, link } : undefined;
}

function isWithinLifeOfToken(recorded: AnsweredOp, operations: readonly AnsweredOp[]): boolean {
  const before = new Set(
    operations
      .filter(({ returned }) => returned < recorded.called)
      .map(({ outcome }) => linkAfter(outcome.result)?.token)
      .filter((token) => token !== undefined),
  );
  return operations.some(
    (later) => later.called > recorded.returned && seenBy(later).some((token) => before.has(token)),
  );
}

function tokenBack(operations: readonly AnsweredOp[]): Place[] {
  const places: Place[] = [];
  for (const recorded of operations) {
    if (recorded.op.kind !== "get") continue;
    for (const higher of operations) {
      if (higher.returned >= recorded.called) continue;
      const then = linkAfter(higher.outcome.result);
      if (then === undefined) continue;
      for (const earlier of operations) {
        const link = linkAfter(earlier.outcome.result);
        if (link === undefined || earlier.returned >= higher.called) continue;
        if (Number(link.token) < Number(then.token)) places.push({ recorded, result: link });
      }
    }
  }
  return places;
}

function madeByNobody(operations: readonly AnsweredOp[], all: readonly RecordedOp[]): Place[] {
  const asked = new Set(all.map(({ op }) => ("owner" in op ? op.owner.podIndex : undefined)));
  let podIndex = 0;
  while (asked.has(podIndex)) podIndex += 1;
  return operations.flatMap((recorded) => {
    const { result } = recorded.outcome;
    const link = linkAfter(result);
    return link === undefined ? [] : [{ recorded, result: withLink(result, { podIndex }) }];
  });
}

function withLink(result: ResultOf<LinkOp>, change: Partial<Link>): ResultOf<LinkOp> {
  const link = linkAfter(result);
  if (result === undefined || link === undefined) return result;
  const changed = Object.freeze({ ...link, ...change });
  return "token" in result ? changed : { ...result, link: changed };
}

function seenBy({ outcome }: AnsweredOp): string[] {
  return [linkAfter(outcome.result), linkBefore(outcome.result)].flatMap((link) =>
    link === undefined ? [] : [link.token],
  );
}
