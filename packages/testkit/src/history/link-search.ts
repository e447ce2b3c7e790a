import { EnteredStates } from "./entered-states.ts";
import type { Done } from "./done-operations.ts";
import { candidatesAfter, firstReturnAfter, NOTHING_DONE, withDone } from "./done-operations.ts";
import type { ModelRecord, RunModel } from "./link-model.ts";
import type { AnsweredRun, LinkRuns } from "./link-runs.ts";
import type { RecordedOp } from "./recorded-op.ts";
import { isSameResult, linkAfter } from "./results.ts";
import { Waiting } from "./waiting.ts";

/** One run in an order that explains what callers were told. */
export interface OrderStep {
  readonly recorded: RecordedOp;
  /** Whether it is the run that was answered; else one that nobody got the answer of. */
  readonly isAnswered: boolean;
  /** The store's time that it was judged by, in ms since 1970. */
  readonly timeMs: number;
}

/** How far the longest order got that could be built. */
export interface LongestOrder<R> {
  readonly steps: readonly OrderStep[];
  readonly record: R | undefined;
  /** The answered operations that are left and could have been the next. */
  readonly next: readonly AnsweredRun[];
}

export type SearchResult<R> =
  | { readonly found: "order"; readonly steps: readonly OrderStep[] }
  | { readonly found: "nothing"; readonly longest: LongestOrder<R> }
  | { readonly found: "limit" };

export interface SearchOptions {
  readonly maxStates: number;
  readonly toleranceMs: number;
}

/** How many answers more a point must explain to be continued before one that took a doubtful run less. */
const ANSWERS_A_RUN = 8;

/** A point of an order: what was placed until here, and what the link is then. */
interface Point<R> {
  readonly record: R | undefined;
  /** The doubtful runs that happened, and the open tokens that they made: a bit each. */
  readonly used: bigint;
  /** How many doubtful runs happened. */
  readonly usedCount: number;
  readonly done: Done;
  /** The last step and the point before it. Absent: the beginning. */
  readonly last?: { readonly step: OrderStep; readonly from: Point<R> };
}

/**
 * Looks for an order of one link's operations in which the model answers as the store did: Wing and Gong's search ("Testing
 * and verifying concurrent objects", 1993), that never enters the same set of finished operations with the same record
 * twice (Lowe, "Testing for linearizability", 2017; Horn and Kroening, "Faster linearizability checking via
 * P-compositionality", 2015). An operation may come next that was called before any that is left returned. Doubtful runs
 * have no return: they may come anywhere after their call, or nowhere.
 *
 * The points that explain the most answers are continued first, and a doubtful run has to be worth some answers: where the
 * order gets stuck, the last operations are tried in another order before a doubtful run is tried, and one before two. Finished
 * operations are told by the first unfinished one and the few beyond it: a history may have thousands of operations, and
 * where nothing is under way the search is back at one point.
 */
export class LinkSearch<R extends ModelRecord> {
  readonly #runs: LinkRuns;
  readonly #model: RunModel<R>;
  readonly #options: SearchOptions;
  readonly #entered: EnteredStates<R>;
  readonly #waiting = new Waiting<{ readonly point: Point<R>; readonly isWidened: boolean }>();
  /** How many points were looked at. */
  #tried = 0;

  constructor(runs: LinkRuns, model: RunModel<R>, options: SearchOptions) {
    this.#runs = runs;
    this.#model = model;
    this.#options = options;
    this.#entered = new EnteredStates(runs.tokens);
  }

  run(): SearchResult<R> {
    let longest: Point<R> = { record: undefined, used: 0n, usedCount: 0, done: NOTHING_DONE };
    this.#enter(longest);
    for (let next = this.#waiting.take(); next !== undefined; next = this.#waiting.take()) {
      const { point, isWidened } = next;
      if (point.done.count > longest.done.count) longest = point;
      if (point.done.count === this.#runs.answered.length) return { found: "order", steps: stepsTo(point) };
      if (this.#tried > this.#options.maxStates) return { found: "limit" };
      if (isWidened) this.#placeDoubtful(point);
      else if (!this.#placeAnswered(point)) this.#wait(point, true);
    }
    const candidates = candidatesAfter(longest.done, this.#runs.answered);
    const left = candidates.map((at) => this.#runs.answered[at] as AnsweredRun);
    return { found: "nothing", longest: { steps: stepsTo(longest), record: longest.record, next: left } };
  }

  #enter(point: Point<R>): void {
    this.#tried += 1;
    if (this.#entered.add({ ...point, done: point.done.name })) this.#wait(point, false);
  }

  #wait(point: Point<R>, isWidened: boolean): void {
    // What widening leads to has taken one doubtful run more.
    const unused = this.#runs.doubtful.length - point.usedCount - (isWidened ? 1 : 0);
    this.#waiting.add({ point, isWidened }, point.done.count + ANSWERS_A_RUN * (unused + 1));
  }

  /** Places each answered operation that can come next. True: nothing else needs to be tried here. */
  #placeAnswered(point: Point<R>): boolean {
    const { answered } = this.#runs;
    const befores = this.#befores(point);
    const found: Point<R>[] = [];
    for (const at of candidatesAfter(point.done, answered)) {
      const { recorded } = answered[at] as AnsweredRun;
      const { result } = recorded.outcome;
      const told = linkAfter(result);
      // The store chose the token. Asked to be at least this one, the model gives exactly this one if it may be given.
      const leastToken = told === undefined ? 1 : Number(told.token);
      for (const timeMs of recorded.times) {
        for (const before of befores) {
          const ran = this.#model.run(before, { recorded, timeMs, leastToken });
          if (ran === undefined || !isSameResult(ran.result, result, this.#options.toleranceMs)) continue;
          const step = { recorded, isAnswered: true, timeMs };
          const next = { ...point, record: ran.record, done: withDone(point.done, at), last: { step, from: point } };
          // A read that fits here fits: later it would explain nothing more, and nothing else depends on it.
          if (recorded.op.kind === "get" && before === point.record) {
            this.#enter(next);
            return true;
          }
          found.push(next);
        }
      }
    }
    for (const next of found.toReversed()) this.#enter(next);
    return false;
  }

  /** Places each doubtful run that can come next and changes something. */
  #placeDoubtful(point: Point<R>): void {
    const firstReturn = firstReturnAfter(point.done, this.#runs.answered)?.recorded.returned ?? 0;
    const befores = this.#befores(point);
    for (const { recorded, bit, before: siblings } of this.#runs.doubtful) {
      if (recorded.called > firstReturn) break;
      if ((point.used & bit) !== 0n || (point.used & siblings) !== siblings) continue;
      for (const timeMs of recorded.times) {
        const next = { used: point.used | bit, usedCount: point.usedCount + 1, done: point.done };
        const last = { step: { recorded, isAnswered: false, timeMs }, from: point };
        for (const before of befores) {
          for (const { record, tokenBit } of this.#unseen(before, { recorded, timeMs, made: point.used })) {
            this.#enter({ ...next, record, used: next.used | tokenBit, last });
          }
        }
      }
    }
  }

  /** What a run may make of a record when nobody is told: another record for each token that it may have given. */
  #unseen(before: R | undefined, run: UnseenRun): { readonly record: R | undefined; readonly tokenBit: bigint }[] {
    const { recorded, timeMs, made } = run;
    const ran = this.#model.run(before, { recorded, timeMs, leastToken: 1 });
    if (ran === undefined || ran.record === before) return []; // as if it never ran
    const least = ran.record?.token;
    if (least === undefined || least === before?.token) return [{ record: ran.record, tokenBit: 0n }];
    const { tokens } = this.#runs;
    const choices = [...tokens.openTo(recorded, least, made), { token: tokens.lowestUnmentioned(least), bit: 0n }];
    return choices.flatMap(({ token, bit }) => {
      const again = this.#model.run(before, { recorded, timeMs, leastToken: token });
      return again === undefined ? [] : [{ record: again.record, tokenBit: bit }];
    });
  }

  /**
   * What may be stored when the next operation runs: the record, or nothing, once a write may have dropped it as expired.
   * Whatever runs next does so before the first return that is left: the store's time was no later than then.
   */
  #befores({ record, done }: Point<R>): readonly (R | undefined)[] {
    const firstReturn = firstReturnAfter(done, this.#runs.answered);
    if (record === undefined || firstReturn === undefined) return [record];
    const isExpired = this.#model.linkAt(record, firstReturn.recorded.op, firstReturn.latestMs) === undefined;
    return isExpired ? [record, undefined] : [record];
  }
}

interface UnseenRun {
  readonly recorded: RecordedOp;
  readonly timeMs: number;
  /** The open tokens that were made already: a bit each. */
  readonly made: bigint;
}

function stepsTo<R>(point: Point<R>): OrderStep[] {
  const steps: OrderStep[] = [];
  for (let { last } = point; last !== undefined; { last } = last.from) steps.push(last.step);
  return steps.toReversed();
}
