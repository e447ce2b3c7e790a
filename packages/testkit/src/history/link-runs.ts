import type { AnsweredOp, LinkHistory, RecordedOp } from "./recorded-op.ts";
import { doubtfulRuns, isAnswered } from "./recorded-op.ts";
import { MentionedTokens } from "./mentioned-tokens.ts";

/** A run of an operation that may have happened, and whose answer nobody got. */
interface DoubtfulRun {
  readonly recorded: RecordedOp;
  /** In which it is marked as done. */
  readonly bit: bigint;
  /** Those of the runs of the same operation that come first: they are alike, so one order of them is enough. */
  readonly before: bigint;
}

/** An answered operation of a link, and until when what had expired may have been dropped before it ran. */
export interface AnsweredRun {
  readonly recorded: AnsweredOp;
  /** The store's latest time before it returned, in ms. */
  readonly latestMs: number;
}

/** What is known of one link: all that a search needs. */
export interface LinkRuns {
  /** In the order of their calls. */
  readonly answered: readonly AnsweredRun[];
  /** In the order of their calls. */
  readonly doubtful: readonly DoubtfulRun[];
  readonly tokens: MentionedTokens;
}

/** @param operations those of the link, in the order of their calls. */
export function runsOfLink(operations: readonly RecordedOp[], times: StoreTimes, history: LinkHistory): LinkRuns {
  const answered: AnsweredRun[] = [];
  const doubtful: DoubtfulRun[] = [];
  for (const recorded of operations) {
    if (isAnswered(recorded)) answered.push({ recorded, latestMs: times.latestBefore(recorded) });
    let before = 0n;
    for (let run = doubtfulRuns(recorded); run > 0; run -= 1) {
      const bit = 1n << BigInt(doubtful.length);
      doubtful.push({ recorded, bit, before });
      before |= bit;
    }
  }
  const options = { mayRepeat: history.tokensMayRepeat === true, firstBit: doubtful.length };
  return { answered, doubtful, tokens: new MentionedTokens(operations, options) };
}

/** The store's time as the whole history shows it. */
export class StoreTimes {
  readonly #called: readonly number[];
  /** For each of `#called`: the latest time of it and all before it. */
  readonly #latest: number[] = [];

  constructor(operations: readonly RecordedOp[]) {
    const ordered = operations.toSorted((a, b) => a.called - b.called);
    this.#called = ordered.map(({ called }) => called);
    let latest = 0;
    for (const { times } of ordered) {
      // Only its first: later ones may lie after the return of an operation that was called later.
      latest = Math.max(latest, Math.min(...times));
      this.#latest.push(latest);
    }
  }

  /** The store's latest time before an operation returned, in ms. */
  latestBefore({ returned, returnedAtMs, times }: AnsweredOp): number {
    let from = 0;
    let to = this.#called.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#called[middle] as number) < returned) from = middle + 1;
      else to = middle;
    }
    return Math.max(this.#latest[from - 1] ?? 0, returnedAtMs ?? 0, ...times);
  }
}
