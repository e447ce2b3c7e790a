import { compareTokens } from "@podlink/types";

/** What an answer says of the user, as far as the service says it. */
export interface Reading {
  /** The user's counter: how many changes there were. */
  readonly count?: number;
  /** Of the newest change, as sockets are told it. */
  readonly sequence?: number;
  /** Which pod answered. */
  readonly pod?: number;
  readonly incarnation?: number;
  /** podlink's token of the link by which it answered: tells late answers from moves. */
  readonly token?: string;
}

/** What is known of one user. */
export interface UserFigures {
  readonly uid: string;
  /** Requests that were sent, and how many of them were acknowledged. */
  readonly requests: number;
  readonly acknowledgedRequests: number;
  /** Changes that were acknowledged: the service has carried out at least so many. */
  readonly acknowledged: number;
  /** Changes that may have been carried out beside those: it has carried out at most so many more. */
  readonly doubtful: number;
  /** The highest that an answer said. Absent: none did; the same for the next three. */
  readonly highestCount?: number;
  readonly highestSequence?: number;
  readonly token?: string;
  readonly incarnation?: number;
  /** The pods that answered, in order: the last 32 stays. */
  readonly pods: readonly number[];
  /** How often the user went from one pod to another. */
  readonly moves: number;
  /** Answers that showed one token with two holders: there were two owners. */
  readonly splitTokens: number;
  /** The longest time without service: from when the first request that had a bad answer was due to the next acknowledgement. */
  readonly longestGapMs: number;
  /** There was no acknowledgement since. In milliseconds from the start. Absent: the user is served. */
  readonly unservedSinceMs?: number;
}

/** A request of the user that has not ended. */
export interface UnderWay {
  readonly dueMs: number;
  /** The first acknowledgement to the same user after it was due. */
  servedAtMs?: number;
}

const MAX_STAYS = 32;
const NOBODY: ReadonlySet<UnderWay> = new Set();

/** Keeps what is known of one user; the size does not depend on the number of requests. */
export class UserRecord {
  readonly uid: string;
  #requests = 0;
  #acknowledgedRequests = 0;
  #acknowledged = 0;
  #doubtful = 0;
  #highestCount: number | undefined;
  #highestSequence: number | undefined;
  #token: string | undefined;
  #incarnation: number | undefined;
  readonly #pods: number[] = [];
  #moves = 0;
  #splitTokens = 0;
  #longestGapMs = 0;
  #unservedSinceMs: number | undefined;
  #underWay: Set<UnderWay> | undefined;

  constructor(uid: string) {
    this.uid = uid;
  }

  begin(dueMs: number): UnderWay {
    this.#requests += 1;
    const request: UnderWay = { dueMs };
    this.#underWay = (this.#underWay ?? new Set()).add(request);
    return request;
  }

  /** An attempt had no good answer. */
  troubled({ dueMs, servedAtMs }: UnderWay): void {
    // Others of the user's requests may have been served meanwhile: then the gap is over already.
    if (servedAtMs !== undefined) this.#longestGapMs = Math.max(this.#longestGapMs, servedAtMs - dueMs);
    else this.#unservedSinceMs = Math.min(this.#unservedSinceMs ?? dueMs, dueMs);
  }

  served(nowMs: number): void {
    this.#acknowledgedRequests += 1;
    for (const request of this.#underWay ?? NOBODY) request.servedAtMs ??= nowMs;
    if (this.#unservedSinceMs === undefined) return;
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#unservedSinceMs);
    this.#unservedSinceMs = undefined;
  }

  /** The request has ended. `change`: whether it was a change, or may have been one. Absent: it was none. */
  end(request: UnderWay, change?: "acknowledged" | "doubtful"): void {
    if (change === "acknowledged") this.#acknowledged += 1;
    if (change === "doubtful") this.#doubtful += 1;
    this.#underWay?.delete(request);
    if (this.#underWay?.size === 0) this.#underWay = undefined;
  }

  read({ count, sequence, pod, incarnation, token }: Reading): void {
    if (count !== undefined) this.#highestCount = Math.max(this.#highestCount ?? count, count);
    if (sequence !== undefined) this.#highestSequence = Math.max(this.#highestSequence ?? sequence, sequence);
    const age = token === undefined || this.#token === undefined ? 1 : compareTokens(token, this.#token);
    if (age < 0) return; // from before a move that is known already
    if (age === 0) {
      if (pod !== this.#pods.at(-1) || incarnation !== this.#incarnation) this.#splitTokens += 1;
      return;
    }
    this.#token = token;
    this.#incarnation = incarnation;
    if (pod !== undefined) this.#stay(pod);
  }

  figures(nowMs: number): UserFigures {
    const since = this.#unservedSinceMs;
    return {
      uid: this.uid,
      requests: this.#requests,
      acknowledgedRequests: this.#acknowledgedRequests,
      acknowledged: this.#acknowledged,
      doubtful: this.#doubtful,
      ...(this.#highestCount !== undefined && { highestCount: this.#highestCount }),
      ...(this.#highestSequence !== undefined && { highestSequence: this.#highestSequence }),
      ...(this.#token !== undefined && { token: this.#token }),
      ...(this.#incarnation !== undefined && { incarnation: this.#incarnation }),
      pods: this.#pods.slice(),
      moves: this.#moves,
      splitTokens: this.#splitTokens,
      longestGapMs: Math.max(this.#longestGapMs, since === undefined ? 0 : nowMs - since),
      ...(since !== undefined && { unservedSinceMs: since }),
    };
  }

  #stay(pod: number): void {
    const last = this.#pods.at(-1);
    if (last === pod) return;
    if (last !== undefined) this.#moves += 1;
    this.#pods.push(pod);
    if (this.#pods.length > MAX_STAYS) this.#pods.shift();
  }
}
