import { Latencies } from "./latencies.ts";
import type { Percentiles } from "./latencies.ts";
import type { UserFigures } from "./user-record.ts";
import { UserRecord } from "./user-record.ts";

/** What is known of all users together. */
export interface UsersReport {
  /** Who asked at least once. */
  readonly count: number;
  /** How many of them had no acknowledgement since their last trouble. */
  readonly unserved: number;
  /** How many users moved so many times: index 0 is those who stayed. */
  readonly byMoves: readonly number[];
  /** Answers that showed one token with two holders. */
  readonly splitTokens: number;
  /** Changes that may have been carried out beside the acknowledged ones. */
  readonly doubtful: number;
  /** Of those who were without service for a while. Absent: nobody was. */
  readonly gaps?: Percentiles;
  /** The ten who were without service for longest, the longest first. */
  readonly longestGaps: readonly { readonly uid: string; readonly gapMs: number; readonly pods: readonly number[] }[];
}

const SHOWN = 10;

/** The users of a load; one is known from the first request on. */
export class Users {
  readonly #byUid = new Map<string, UserRecord>();

  of(uid: string): UserRecord {
    const known = this.#byUid.get(uid);
    if (known !== undefined) return known;
    const record = new UserRecord(uid);
    this.#byUid.set(uid, record);
    return record;
  }

  /** Absent: the user has not asked yet. */
  find(uid: string): UserRecord | undefined {
    return this.#byUid.get(uid);
  }

  *figures(nowMs: number): Generator<UserFigures, undefined> {
    for (const record of this.#byUid.values()) yield record.figures(nowMs);
  }

  report(nowMs: number): UsersReport {
    const gaps = new Latencies();
    const byMoves: number[] = [];
    let longest: UserFigures[] = [];
    const sums = { unserved: 0, splitTokens: 0, doubtful: 0 };
    for (const user of this.figures(nowMs)) {
      while (byMoves.length <= user.moves) byMoves.push(0);
      byMoves[user.moves]! += 1;
      sums.splitTokens += user.splitTokens;
      sums.doubtful += user.doubtful;
      if (user.unservedSinceMs !== undefined) sums.unserved += 1;
      if (user.longestGapMs === 0) continue;
      gaps.record(user.longestGapMs);
      if (longest.length < SHOWN || user.longestGapMs > longest.at(-1)!.longestGapMs) {
        longest = [...longest, user].toSorted((a, b) => b.longestGapMs - a.longestGapMs).slice(0, SHOWN);
      }
    }
    const { percentiles } = gaps;
    return {
      count: this.#byUid.size,
      byMoves,
      ...sums,
      ...(percentiles && { gaps: percentiles }),
      longestGaps: longest.map(({ uid, longestGapMs, pods }) => ({ uid, gapMs: longestGapMs, pods })),
    };
  }
}
