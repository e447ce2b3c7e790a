import type { LinkHistory, RecordedOp } from "@podlink/testkit";
import type { Expected, Lifetime, Link, LinkOp, Owner, ResultOf } from "@podlink/types";
import * as fc from "fast-check";
import type { LinkRecord } from "../../src/index.ts";
import { applyLinkOp } from "../../src/index.ts";

const key = { namespace: "prod", service: "room", uid: "alice" };
const OWNED_TTL_MS = 12;
const TIMES = [1000, 1004, 1013];

type Draw = fc.GeneratorValue;

interface Planned {
  readonly op: LinkOp;
  readonly called: number;
  readonly returned: number;
  readonly times: readonly number[];
  readonly attempts: number;
  readonly isUnknown: boolean;
}

/**
 * Random histories of one link with up to six operations, few enough to try every order: answered by the model in a random
 * order with random tokens, doubtful runs among them, and then mostly with an answer or two changed.
 */
export const smallHistories: fc.Arbitrary<LinkHistory> = fc.gen().map((draw) => {
  const planned = plan(draw);
  const results = answer(draw, planned);
  const changes = draw(fc.constantFrom, 0, 0, 1, 1, 1, 2);
  for (let change = 0; change < changes; change += 1) falsifyOne(draw, results);
  const operations = planned.map(({ op, called, returned, times, attempts, isUnknown }, index): RecordedOp => {
    const rest = { id: `o${index}`, client: "c", op, called, times, ...(attempts === 1 ? {} : { attempts }) };
    if (isUnknown) return { ...rest, outcome: { kind: "unknown" } };
    return { ...rest, returned, outcome: { kind: "answered", result: results[index] } };
  });
  return { operations, ownedTtlMs: OWNED_TTL_MS };
});

function plan(draw: Draw): Planned[] {
  const count = draw(fc.integer, { min: 2, max: 6 });
  const places = draw(() =>
    fc.shuffledSubarray(
      Array.from({ length: count * 2 }, (_, place) => place),
      { minLength: count * 2 },
    ),
  );
  let doubtful = 0;
  let from = 0;
  return Array.from({ length: count }, (_, index): Planned => {
    // Mostly one after the other with some overlap; else anywhere.
    const isNear = draw(fc.boolean);
    const near = [index * 2, Math.min(count * 2, index * 2 + 1 + draw(fc.integer, { min: 0, max: 3 }))];
    const [called = 0, returned = 0] = (isNear ? near : [places[index * 2], places[index * 2 + 1]])
      .map(Number)
      .toSorted((a, b) => a - b);
    const op = operation(draw, index);
    const room = op.kind === "get" ? 0 : 2 - doubtful;
    const isUnknown = room > 0 && draw(fc.integer, { min: 0, max: 3 }) === 0;
    const attempts = room > (isUnknown ? 1 : 0) && draw(fc.integer, { min: 0, max: 4 }) === 0 ? 2 : 1;
    doubtful += attempts - (isUnknown ? 0 : 1);
    from = draw(fc.integer, { min: from, max: TIMES.length - 1 });
    const isTwo = draw(fc.integer, { min: 0, max: 4 }) === 0;
    return {
      op,
      // Distinct: no call or return shares its place with another.
      called: called + index / 100,
      returned: returned + 0.5 + index / 100,
      times: TIMES.slice(from, from + (isTwo ? 2 : 1)),
      attempts,
      isUnknown,
    };
  });
}

function operation(draw: Draw, index: number): LinkOp {
  const kind = draw(
    fc.constantFrom<LinkOp["kind"][]>,
    "get",
    "set",
    "trySet",
    "setIfAbsent",
    "replace",
    "renew",
    "remove",
  );
  if (kind === "get") return { kind, ...key };
  const lifetime: Lifetime = draw(fc.constantFrom<Lifetime[]>, "persistent", { ttlMs: 3 }, { ttlMs: 10 });
  const isOwned = draw(fc.boolean);
  const owner: Owner = {
    podIndex: draw(fc.integer, { min: 0, max: 1 }),
    ...(isOwned ? { incarnation: draw(fc.integer, { min: 1, max: 2 }) } : {}),
    ...(draw(fc.integer, { min: 0, max: 9 }) === 0 ? { tokenFloor: "1004002" } : {}),
  };
  const named = { owner, lifetime: isOwned ? ("persistent" as const) : lifetime };
  // Now and then the id of another operation.
  const mutation = { ...key, opId: draw(fc.integer, { min: 0, max: 7 }) === 0 ? "o0" : `o${index}` };
  const expected: Expected = {
    ...(draw(fc.boolean) ? { podIndex: owner.podIndex } : {}),
    ...(draw(fc.boolean) ? { token: token(draw) } : {}),
  };
  switch (kind) {
    case "set":
    case "trySet":
      return { kind, ...mutation, ...named };
    case "setIfAbsent":
      return { kind, ...mutation, ...named, renew: named.lifetime !== "persistent" && draw(fc.boolean) };
    case "replace":
      return { kind, ...mutation, ...named, expectedToken: token(draw) };
    case "renew":
      return { kind, ...mutation, expected, lifetime };
    case "remove":
      return { kind, ...mutation, graceMs: draw(fc.constantFrom<number[]>, 0, 0, 5), expected };
  }
}

function token(draw: Draw): string {
  const timeMs = draw(fc.constantFrom<number[]>, ...TIMES);
  return String(timeMs * 1000 + draw(fc.integer, { min: 0, max: 3 }));
}

/** Answers by the model: the operations at random moments between call and return, doubtful ones anywhere after the call. */
function answer(draw: Draw, planned: readonly Planned[]): ResultOf<LinkOp>[] {
  const results: ResultOf<LinkOp>[] = [];
  const runs = planned.flatMap((one, index) =>
    Array.from({ length: one.attempts }, (_, copy) => {
      const isAnswered = copy === 0 && !one.isUnknown;
      const until = isAnswered ? one.returned : planned.length * 2 + 1;
      const moment = one.called + (until - one.called) * draw(fc.double, { min: 0.01, max: 0.99, noNaN: true });
      return { ...one, index, isAnswered, moment, happens: isAnswered || draw(fc.boolean) };
    }),
  );
  let record: LinkRecord | undefined;
  for (const { op, index, isAnswered, happens, times } of runs.toSorted((a, b) => a.moment - b.moment)) {
    if (!happens) continue;
    const nowMs = draw(fc.constantFrom<number[]>, ...times);
    const highestToken = nowMs * 1000 + draw(fc.integer, { min: -1, max: 4 });
    const opId = op.kind === "get" ? "read" : (op.opId ?? "");
    const context = { nowMs, nowUs: nowMs * 1000, highestToken, opId, ownedTtlMs: OWNED_TTL_MS };
    const step = applyLinkOp(record, op, context);
    record = step.record;
    if (isAnswered) results[index] = step.result;
  }
  return results;
}

/** Changes one answer: its token, holder or lifetime, or all of it. */
function falsifyOne(draw: Draw, results: ResultOf<LinkOp>[]): void {
  const answered = [...results.keys()].filter((index) => results[index] !== undefined);
  if (answered.length === 0) return;
  const at = draw(fc.constantFrom<number[]>, ...answered);
  const result = results[at] as Record<string, unknown>;
  const change = (link: Link): Link => {
    switch (draw(fc.integer, { min: 0, max: 3 })) {
      case 0:
      case 1:
        return { ...link, token: token(draw) };
      case 2:
        return { ...link, podIndex: 1 - link.podIndex };
      default:
        return link.expiresInMs === undefined
          ? { ...link, kind: "owned" }
          : { ...link, expiresInMs: link.expiresInMs + 1 };
    }
  };
  if ("token" in result) {
    results[at] = draw(fc.integer, { min: 0, max: 4 }) === 0 ? undefined : change(result as unknown as Link);
    return;
  }
  const changed = { ...result };
  if (draw(fc.boolean) && changed["link"] !== undefined) changed["link"] = change(changed["link"] as Link);
  else if (changed["previous"] !== undefined) {
    if (draw(fc.boolean)) delete changed["previous"];
    else changed["previous"] = change(changed["previous"] as Link);
  } else {
    for (const name of ["created", "acquired", "replaced", "renewed", "removed"]) {
      if (name in changed) changed[name] = changed[name] !== true;
    }
  }
  results[at] = changed as ResultOf<LinkOp>;
}
