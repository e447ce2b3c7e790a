import type { Fence } from "@podlink/sessions";

/** Of messages, changes and idempotency keys this many are kept with a session, the newest last. */
export const KEPT = 100;

/** One message said in a room. */
export interface Message {
  /** The change that brought it. */
  readonly sequence: number;
  readonly text: string;
}

/** One change of a room, as everybody connected hears it. */
export interface Change {
  /** 1 for the first change of the room, growing by one. */
  readonly sequence: number;
  readonly kind: "incr" | "say";
  /** The counter after it. */
  readonly count: number;
  /** What was said. Absent: `incr`. */
  readonly text?: string;
}

/** An Idempotency-Key that was used. */
export interface UsedKey {
  readonly key: string;
  /** Tells the request it was used for from any other. */
  readonly request: string;
  /** What was answered. */
  readonly sequence: number;
  readonly count: number;
}

/** All that is kept of a room. Frozen in spirit: a change makes a new one. */
export interface StoredSession {
  readonly count: number;
  /** Of the newest change. 0: none yet. */
  readonly sequence: number;
  readonly messages: readonly Message[];
  readonly changes: readonly Change[];
  readonly keys: readonly UsedKey[];
}

/** What is written in one step. */
export interface SessionWrite {
  readonly change: Change;
  /** Absent: the request had none. */
  readonly key?: UsedKey;
}

/** The fence is older than what the store has seen; `refused` is the token that it has. */
export interface Refused {
  readonly refused: string;
}

/**
 * Keeps sessions, fenced: it serves one (token, holder) at a time and refuses whatever is older. Each method is one
 * atomic step that settles in time, whatever the network does: one that rejects may have been done or not.
 */
export interface SessionStore {
  /**
   * The session, which from now on takes writes with this fence only. Refused unless the token is higher than the one
   * seen last, or the same from the same holder.
   */
  loadAndRaise(uid: string, fence: Fence): Promise<{ readonly session: StoredSession } | Refused>;

  /**
   * Adds one change, with its key. Refused unless token and holder are those that loaded last. `behind`: the change's
   * sequence is not the next one, a write whose answer was lost is in between: load again.
   */
  write(uid: string, fence: Fence, write: SessionWrite): Promise<"written" | "behind" | Refused>;
}

/** A room in which nothing has happened. */
export const FRESH: StoredSession = Object.freeze({ count: 0, sequence: 0, messages: [], changes: [], keys: [] });

/** The session after a write; the same for every store, and for the pod once the write is acknowledged. */
export function applyWrite(session: StoredSession, { change, key }: SessionWrite): StoredSession {
  const { sequence, count, text } = change;
  return {
    count,
    sequence,
    messages: text === undefined ? session.messages : newest(session.messages, { sequence, text }),
    changes: newest(session.changes, change),
    keys: key === undefined ? session.keys : newest(session.keys, key),
  };
}

function newest<T>(items: readonly T[], item: T): readonly T[] {
  return [...items.slice(1 - KEPT), item];
}
