import type { LinkOp } from "@podlink/types";
import { RouteError } from "@podlink/types";
import type { LinkHistory, RecordedOp } from "@podlink/testkit";
import { isDeepStrictEqual } from "node:util";
import type { LinkRecord } from "../../src/index.ts";
import { applyLinkOp } from "../../src/index.ts";

/** A run that is to be placed: the one that was answered, or one whose answer nobody got. */
interface Item {
  readonly recorded: RecordedOp;
  readonly isAnswered: boolean;
}

/** How far above the least one a token is tried that nobody mentioned. */
const REACH = 4;

/**
 * Whether a small history of one link has an explanation, found as plainly as it can be put: every order, every choice of
 * doubtful runs, every time, every token, everything that may have been dropped. Nothing is remembered and nothing is left
 * out, so it takes histories of about six operations.
 */
export function hasExplanation(history: LinkHistory): boolean {
  const items = history.operations.flatMap((recorded): Item[] => {
    const { outcome, attempts = 1 } = recorded;
    const isAnswered = outcome.kind === "answered";
    const runs = outcome.kind === "refused" ? attempts - 1 : attempts;
    return Array.from({ length: runs }, (_, copy) => ({ recorded, isAnswered: isAnswered && copy === 0 }));
  });
  return new Reference(history).place(items, undefined, new Set());
}

class Reference {
  readonly #history: LinkHistory;
  readonly #mentioned = new Set<number>();

  constructor(history: LinkHistory) {
    this.#history = history;
    JSON.stringify(history.operations, (name, value: unknown) => {
      if (/^(token|expectedToken)$/.test(name)) this.#mentioned.add(Number(value));
      return value;
    });
  }

  place(items: readonly Item[], record: LinkRecord | undefined, made: ReadonlySet<number>): boolean {
    const answered = items.filter(({ isAnswered }) => isAnswered).map(({ recorded }) => recorded);
    if (answered.length === 0) return true;
    const firstReturn = Math.min(...answered.map(({ returned = Infinity }) => returned));
    const befores: (LinkRecord | undefined)[] = [record];
    if (record !== undefined && record.expiresAtMs <= this.#latestMs(firstReturn)) befores.push(undefined);
    return items.some((item) => {
      if (item.recorded.called > firstReturn) return false;
      const rest = items.filter((other) => other !== item);
      return item.recorded.times.some((timeMs) =>
        befores.some((before) => this.#runs(item, { before, timeMs, made, rest })),
      );
    });
  }

  #runs(
    { recorded, isAnswered }: Item,
    at: {
      readonly before: LinkRecord | undefined;
      readonly timeMs: number;
      readonly made: ReadonlySet<number>;
      readonly rest: readonly Item[];
    },
  ): boolean {
    const { before, timeMs, made, rest } = at;
    const { op, outcome } = recorded;
    const opId = op.kind === "get" ? "read" : (op.opId ?? `unnamed-${recorded.id}`);
    const nowUs = timeMs * 1000;
    const results = new Set<number>();
    for (const leastToken of this.#leastTokens(nowUs, before?.token ?? 0, floorOf(op))) {
      const context = { nowMs: timeMs, nowUs, highestToken: leastToken - 1, opId };
      let step;
      try {
        step = applyLinkOp(before, op, { ...context, ownedTtlMs: this.#history.ownedTtlMs ?? 604_800_000 });
      } catch (error) {
        if (RouteError.is(error)) continue;
        throw error;
      }
      const after = step.record;
      const token = after?.token === before?.token ? undefined : after?.token;
      if (results.has(token ?? -1)) continue;
      results.add(token ?? -1);
      if (token !== undefined && this.#mentioned.has(token) && made.has(token)) continue;
      if (isAnswered && outcome.kind === "answered" && !isDeepStrictEqual(plain(step.result), plain(outcome.result)))
        continue;
      if (this.place(rest, after, token === undefined ? made : new Set([...made, token]))) return true;
    }
    return false;
  }

  #leastTokens(nowUs: number, token: number, floor: number): number[] {
    const around = [nowUs, token + 1, floor + 1].flatMap((from) =>
      Array.from({ length: REACH }, (_, above) => from + above),
    );
    return [...new Set([1, ...around, ...this.#mentioned])];
  }

  #latestMs(before: number): number {
    const last = this.#history.operations.find(({ returned }) => returned === before);
    const called = this.#history.operations.filter((recorded) => recorded.called < before);
    const returned = called.filter((recorded) => (recorded.returned ?? Infinity) < before);
    const proven = returned.map(({ times, returnedAtMs }) => returnedAtMs ?? Math.max(...times));
    const begun = called.map(({ times }) => Math.min(...times));
    return Math.max(...begun, ...proven, ...(last?.times ?? []), last?.returnedAtMs ?? 0);
  }
}

function floorOf(op: LinkOp): number {
  return "owner" in op ? Number(op.owner.tokenFloor ?? 0) : 0;
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}
