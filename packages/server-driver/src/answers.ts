import type { Link } from "@podlink/types";

/** What a request says of itself; every part is optional. */
export interface GuardRequest {
  /** The token of the link that the sender went by. One that is higher than any this pod asked about costs one claim. */
  readonly token?: string;
  /** The pod that the sender means. Another one, or a later life of this one: `not-me`. Absent: whoever is asked. */
  readonly pod?: {
    readonly namespace: string;
    readonly service: string;
    readonly podIndex: number;
    readonly incarnation?: number;
  };
  /** Gives up waiting: the guard rejects with CANCELLED. What was sent to the store goes on. */
  readonly signal?: AbortSignal;
  /** Longest wait in milliseconds for a claim or a hand-off, then `unavailable`. Default: handOffTimeoutMs. */
  readonly timeoutMs?: number;
}

/** The uid is this pod's, by what it knew the moment it answered. */
export interface Granted {
  readonly ok: true;
  readonly link: Link;
  /** Aborted when the period ends. A request that lives on (a socket) asks the guard again for every message. */
  readonly signal: AbortSignal;
  /** The store is down and the lease is over (`whenStoreDown: "serve"`): only the token protects what is written. */
  readonly fenced?: true;
}

/**
 * Why this pod doesn't serve the uid:
 * - `held-by`: another pod does; `link` names it;
 * - `not-me`: the request means another pod, or a later life of this one;
 * - `fenced`: this pod's lease is over, it has to register again first;
 * - `stopped`: this pod takes nothing any more, or a newer life of it is there;
 * - `unavailable`: it couldn't be found out in time, or this pod may not claim yet.
 */
export type RefusalReason = "held-by" | "not-me" | "fenced" | "stopped" | "unavailable";

export interface Refused {
  readonly ok: false;
  readonly reason: RefusalReason;
  /** The link that holds, with `held-by`. */
  readonly link?: Link;
  /** When asking again makes sense, in milliseconds. Absent: not known. */
  readonly retryAfterMs?: number;
}

export type GuardAnswer = Granted | Refused;

/** A granted request that counts as running until `leave` is called. */
export interface Entered extends Granted {
  /** The request is over. Idempotent. */
  leave(): void;
  /**
   * Runs `fn` as part of this request: what asks the guard for the same uid in there is never held back by a hand-off
   * that is waiting for this very request.
   */
  run<T>(fn: () => T): T;
}

export type Entry = Entered | Refused;

/** A refusal without undefined parts. */
export function refusal(
  reason: RefusalReason,
  details: { readonly link?: Link | undefined; readonly retryAfterMs?: number | undefined } = {},
): Refused {
  return {
    ok: false,
    reason,
    ...(details.link === undefined ? undefined : { link: details.link }),
    ...(details.retryAfterMs === undefined
      ? undefined
      : { retryAfterMs: Math.max(0, Math.ceil(details.retryAfterMs)) }),
  };
}
