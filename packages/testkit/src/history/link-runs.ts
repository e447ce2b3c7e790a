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
  /** Where something is known of it, in order. */
  readonly #places: number[] = [];
  /** For each of `#places`: the latest time known by then. */
  readonly #latest: number[] = [];

  constructor(operations: readonly RecordedOp[]) {
    const known = operations.flatMap(({ called, returned, times, returnedAtMs }) => [
      // Only the first at the call: later ones may lie after the return of an operation that was called later.
      { place: called, atMs: Math.min(...times) },
      ...(returned === undefined ? [] : [{ place: returned, atMs: returnedAtMs ?? Math.max(...times) }]),
    ]);
    let latest = 0;
    for (const { place, atMs } of known.toSorted((a, b) => a.place - b.place)) {
      latest = Math.max(latest, atMs);
      this.#places.push(place);
      this.#latest.push(latest);
    }
  }

  /** The store's latest time before an operation returned, in ms. */
  latestBefore({ returned, times }: AnsweredOp): number {
    let from = 0;
    let to = this.#places.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#places[middle] as number) <= returned) from = middle + 1;
      else to = middle;
    }
    return Math.max(this.#latest[from - 1] ?? 0, ...times);
  }
}
