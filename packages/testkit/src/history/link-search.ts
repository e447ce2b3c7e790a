import { FailedStates } from "./failed-states.ts";
import type { ModelRecord, RunModel } from "./link-model.ts";
import type { AnsweredRun, LinkRuns } from "./link-runs.ts";
import type { RecordedOp } from "./recorded-op.ts";
import { isSameResult, linkAfter } from "./results.ts";

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

/** What a link is after some runs. */
interface State<R> {
  readonly record: R | undefined;
  /** The doubtful runs that happened, and the open tokens that they made: a bit each. */
  readonly used: bigint;
}

interface Move<R> extends State<R> {
  readonly step: OrderStep;
  /** The place of the answered operation. Absent: a doubtful run. */
  readonly answered?: number;
}

interface Frame<R> extends State<R> {
  /** How this state was reached. Absent: the beginning. */
  readonly by?: Move<R>;
  readonly moves: Move<R>[];
  /** Whether the doubtful runs are among the moves: they are tried when nothing else is left. */
  isWidened: boolean;
}

/**
 * Looks for an order of one link's operations in which the model answers as the store did: Wing and Gong's search ("Testing
 * and verifying concurrent objects", 1993), that never enters the same set of finished operations with the same record
 * twice (Lowe, "Testing for linearizability", 2017). Wherever an operation may run that returns before all others that are
 * left were called, it must; the doubtful ones have no return, so they may run anywhere after their call, or nowhere.
 *
 * The stack is a list, not recursion, and the finished operations are told by the first unfinished one and the few beyond
 * it: so a history may have thousands of operations, and where nothing is under way the search is back at one state.
 */
export class LinkSearch<R extends ModelRecord> {
  readonly #runs: LinkRuns;
  readonly #model: RunModel<R>;
  readonly #options: SearchOptions;
  readonly #isDone: Uint8Array;
  readonly #failed: FailedStates<R>;
  readonly #stack: Frame<R>[] = [];
  #doneCount = 0;
  #firstLeft = 0;
  #longestCount = -1;
  #longest: LongestOrder<R> = { steps: [], record: undefined, next: [] };
  /** How many states were entered. */
  states = 0;

  constructor(runs: LinkRuns, model: RunModel<R>, options: SearchOptions) {
    this.#runs = runs;
    this.#model = model;
    this.#options = options;
    this.#isDone = new Uint8Array(runs.answered.length);
    this.#failed = new FailedStates(runs.tokens);
  }

  run(): SearchResult<R> {
    this.#enter({ record: undefined, used: 0n });
    for (;;) {
      if (this.#doneCount === this.#runs.answered.length) return { found: "order", steps: this.#steps() };
      if (this.states > this.#options.maxStates) return { found: "limit" };
      const frame = this.#stack.at(-1);
      if (frame === undefined) return { found: "nothing", longest: this.#longest };
      const move = frame.moves.pop();
      if (move !== undefined) this.#take(move);
      else if (!frame.isWidened) {
        frame.isWidened = true;
        frame.moves.push(...this.#doubtfulMoves(frame).toReversed());
      } else this.#goBack();
    }
  }

  #take(move: Move<R>): void {
    this.#mark(move.answered, 1);
    const isNew = this.#failed.add({ ...move, done: this.#doneName() });
    if (isNew) this.#enter(move, move);
    else this.#mark(move.answered, 0);
  }

  #enter(state: State<R>, by?: Move<R>): void {
    this.states += 1;
    const { record, used } = state;
    const moves = this.#answeredMoves(state);
    this.#stack.push({ record, used, ...(by === undefined ? {} : { by }), ...moves });
    if (this.#doneCount <= this.#longestCount) return;
    this.#longestCount = this.#doneCount;
    this.#longest = { steps: this.#steps(), record, next: this.#candidates().map((at) => this.#answered(at)) };
  }

  #goBack(): void {
    const frame = this.#stack.pop();
    this.#mark(frame?.by?.answered, 0);
  }

  #mark(answered: number | undefined, done: 0 | 1): void {
    if (answered === undefined) return;
    this.#isDone[answered] = done;
    this.#doneCount += done === 1 ? 1 : -1;
    if (done === 0) this.#firstLeft = Math.min(this.#firstLeft, answered);
    else while (this.#isDone[this.#firstLeft] === 1) this.#firstLeft += 1;
  }

  #steps(): OrderStep[] {
    return this.#stack.flatMap(({ by }) => (by === undefined ? [] : [by.step]));
  }

  #answered(at: number): AnsweredRun {
    return this.#runs.answered[at] as AnsweredRun;
  }

  /** The answered operations that are left and were called before any of them returned. */
  #candidates(): number[] {
    const found: number[] = [];
    const firstReturn = this.#firstReturn();
    for (let at = this.#firstLeft; at < this.#runs.answered.length; at += 1) {
      if (this.#isDone[at] === 1) continue;
      if (this.#answered(at).recorded.called > (firstReturn?.recorded.returned ?? Infinity)) break;
      found.push(at);
    }
    return found;
  }

  /** The first to return of the answered operations that are left. */
  #firstReturn(): AnsweredRun | undefined {
    let first: AnsweredRun | undefined;
    for (let at = this.#firstLeft; at < this.#runs.answered.length; at += 1) {
      if (this.#isDone[at] === 1) continue;
      const run = this.#answered(at);
      if (first !== undefined && run.recorded.called > first.recorded.returned) break;
      if (first === undefined || run.recorded.returned < first.recorded.returned) first = run;
    }
    return first;
  }

  /** Which answered operations are done: the first that is not, and those beyond it that are. */
  #doneName(): string {
    let name = String(this.#firstLeft);
    let left = this.#doneCount - this.#firstLeft;
    for (let at = this.#firstLeft + 1; left > 0; at += 1) {
      if (this.#isDone[at] !== 1) continue;
      name += `,${at - this.#firstLeft}`;
      left -= 1;
    }
    return name;
  }

  #answeredMoves(state: State<R>): Pick<Frame<R>, "moves" | "isWidened"> {
    const befores = this.#befores(state.record);
    const moves: Move<R>[] = [];
    for (const at of this.#candidates()) {
      const { recorded } = this.#answered(at);
      const { result } = recorded.outcome;
      const told = linkAfter(result);
      // The store chose the token. Asked to be at least this one, the model gives exactly this one if it may be given.
      const leastToken = told === undefined ? 1 : Number(told.token);
      for (const timeMs of recorded.times) {
        for (const before of befores) {
          const ran = this.#model.run(before, { recorded, timeMs, leastToken });
          if (ran === undefined || !isSameResult(ran.result, result, this.#options.toleranceMs)) continue;
          const move = { ...state, record: ran.record, step: { recorded, isAnswered: true, timeMs }, answered: at };
          // A read that fits here fits: later it would explain nothing more, and nothing else depends on it.
          if (recorded.op.kind === "get" && before === state.record) return { moves: [move], isWidened: true };
          moves.push(move);
        }
      }
    }
    return { moves: moves.toReversed(), isWidened: false };
  }

  #doubtfulMoves(state: State<R>): Move<R>[] {
    const firstReturn = this.#firstReturn()?.recorded.returned ?? 0;
    const befores = this.#befores(state.record);
    const moves: Move<R>[] = [];
    for (const { recorded, bit, before: siblings } of this.#runs.doubtful) {
      if (recorded.called > firstReturn) break;
      if ((state.used & bit) !== 0n || (state.used & siblings) !== siblings) continue;
      for (const timeMs of recorded.times) {
        for (const before of befores) {
          const ran = this.#model.run(before, { recorded, timeMs, leastToken: 1 });
          if (ran === undefined || ran.record === before) continue; // as if it never ran
          const step = { recorded, isAnswered: false, timeMs };
          const used = state.used | bit;
          if (ran.record === undefined || ran.record.token === before?.token) {
            moves.push({ record: ran.record, used, step });
            continue;
          }
          const made = (leastToken: number, tokenBit: bigint): void => {
            const again = this.#model.run(before, { recorded, timeMs, leastToken });
            if (again !== undefined) moves.push({ record: again.record, used: used | tokenBit, step });
          };
          const least = ran.record.token;
          for (const open of this.#runs.tokens.openTo(recorded, least, state.used)) made(open.token, open.bit);
          made(this.#runs.tokens.lowestUnmentioned(least), 0n);
        }
      }
    }
    return moves;
  }

  /**
   * What may be stored when the next operation runs: the record, or nothing, once a write may have dropped it as expired.
   * Whatever runs next does so before the first return that is left: the store's time was no later than then.
   */
  #befores(record: R | undefined): readonly (R | undefined)[] {
    if (record === undefined) return [undefined];
    const firstReturn = this.#firstReturn();
    if (firstReturn === undefined) return [record];
    const isExpired = this.#model.linkAt(record, firstReturn.recorded.op, firstReturn.latestMs) === undefined;
    return isExpired ? [record, undefined] : [record];
  }
}
