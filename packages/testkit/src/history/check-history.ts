import { RouteError } from "@podlink/types";
import type { LinkModel } from "../contract/properties/model.ts";
import { checkLinkHistory } from "./check-link-history.ts";
import { explainNoOrder, explainTokenMadeTwice } from "./explain.ts";
import type { ModelRecord } from "./link-model.ts";
import { RunModel } from "./link-model.ts";
import { runsOfLink, StoreTimes } from "./link-runs.ts";
import type { OrderStep } from "./link-search.ts";
import { LinkSearch } from "./link-search.ts";
import type { LinkHistory, RecordedOp } from "./recorded-op.ts";
import { byLink } from "./recorded-op.ts";
import { tokenMadeTwice } from "./results.ts";

export interface CheckOptions<R extends ModelRecord> {
  /** What operations do to one link: `applyLinkOp` of `@podlink/memory-executor`. */
  readonly model: LinkModel<R>;
  /** How many points of orders a search may look at for a link before it gives up as `undecided`. At least 1, default 200,000. */
  readonly maxStates?: number;
}

export type Verdict =
  | {
      readonly verdict: "linearizable";
      /** For each link an order in which the model answers as the store did. */
      readonly orders: ReadonlyMap<string, readonly OrderStep[]>;
    }
  | {
      readonly verdict: "contradiction";
      /** The link whose operations contradict each other: `namespace/service/uid`. */
      readonly link: string;
      readonly reason: ContradictionReason;
      /** For people: what was asked and told, how far an order gets, and why it gets no further. */
      readonly explanation: string;
    }
  /** Neither an order was found nor that there is none: `maxStates` was reached. */
  | { readonly verdict: "undecided"; readonly links: readonly string[] };

export type ContradictionReason = "no order" | "a token made twice";

const MAX_STATES = 200_000;

/**
 * Judges what callers saw of a store against the model: whether for each link there is an order of all answered operations
 * and some of the doubtful runs, in which whatever returned before another was called comes first, and in which the model
 * gives each answered operation exactly its answer. And no token of a link is made by two operations.
 *
 * Operations of different links commute, so each link is judged by itself (linearizability is local: Herlihy and Wing, 1990).
 * @throws RouteError INVALID_ARGUMENT for a history that can't be one
 */
export function checkHistory<R extends ModelRecord>(history: LinkHistory, options: CheckOptions<R>): Verdict {
  const { model, maxStates = MAX_STATES, ...unknown } = options;
  checkOptions(maxStates, unknown);
  checkLinkHistory(history);
  const { toleranceMs = 0 } = history;
  const judged = widened(history.operations, toleranceMs);
  const times = new StoreTimes(judged);
  const runModel = new RunModel(model, history);
  const orders = new Map<string, readonly OrderStep[]>();
  const undecided: string[] = [];
  for (const [link, operations] of byLink(judged)) {
    const twice = history.tokensMayRepeat === true ? undefined : tokenMadeTwice(operations);
    if (twice !== undefined) {
      const explanation = explainTokenMadeTwice(link, operations, twice);
      return { verdict: "contradiction", link, reason: "a token made twice", explanation };
    }
    const runs = runsOfLink(operations, times, history);
    const result = new LinkSearch(runs, runModel, { maxStates, toleranceMs }).run();
    if (result.found === "order") orders.set(link, result.steps);
    else if (result.found === "limit") undecided.push(link);
    else {
      const explanation = explainNoOrder({ link, operations, longest: result.longest, model: runModel });
      return { verdict: "contradiction", link, reason: "no order", explanation };
    }
  }
  return undecided.length > 0 ? { verdict: "undecided", links: undecided } : { verdict: "linearizable", orders };
}

/** On a real clock the store judged each operation near its times: near the end of a link that decides whether it lives. */
function widened(operations: readonly RecordedOp[], toleranceMs: number): readonly RecordedOp[] {
  if (toleranceMs === 0) return operations;
  return operations.map((recorded) => {
    const times = recorded.times.flatMap((timeMs) => [timeMs, timeMs - toleranceMs, timeMs + toleranceMs]);
    return { ...recorded, times: [...new Set(times)] };
  });
}

function checkOptions(maxStates: number, unknown: object): void {
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw new RouteError("CONFIG", `checkHistory: unknown option ${name}`);
  if (Number.isSafeInteger(maxStates) && maxStates >= 1) return;
  throw new RouteError("CONFIG", `checkHistory.maxStates: must be a whole number of at least 1 (got ${maxStates})`);
}
