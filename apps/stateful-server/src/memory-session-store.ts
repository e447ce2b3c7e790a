import type { Fence } from "@podlink/sessions";
import { compareTokens } from "@podlink/types";
import type { Refused, SessionStore, SessionWrite, StoredSession } from "./session-store.ts";
import { applyWrite, FRESH } from "./session-store.ts";

interface Row {
  readonly fence: Fence;
  readonly session: StoredSession;
}

/** A session store in this process' memory, for pods that share the process. Every method is done in one turn. */
export class MemorySessionStore implements SessionStore {
  readonly #rows = new Map<string, Row>();

  // async, so that nothing is thrown at the caller before it has a promise
  async loadAndRaise(uid: string, fence: Fence): Promise<{ readonly session: StoredSession } | Refused> {
    const row = this.#rows.get(uid);
    if (row !== undefined && compareTokens(row.fence.token, fence.token) >= 0 && !isSame(row.fence, fence)) {
      return { refused: row.fence.token };
    }
    const session = row?.session ?? FRESH;
    this.#rows.set(uid, { fence, session });
    return { session };
  }

  async write(uid: string, fence: Fence, write: SessionWrite): Promise<"written" | "behind" | Refused> {
    const row = this.#rows.get(uid);
    // Never loaded: to the writer that is a store that lost its data, and loading again above this token helps.
    if (row === undefined) return { refused: fence.token };
    if (!isSame(row.fence, fence)) return { refused: row.fence.token };
    if (write.change.sequence !== row.session.sequence + 1) return "behind";
    this.#rows.set(uid, { fence, session: applyWrite(row.session, write) });
    return "written";
  }
}

let shared: MemorySessionStore | undefined;

/** The one session store of this process: what several rooms in it use unless told otherwise. */
export function sharedMemorySessionStore(): MemorySessionStore {
  shared ??= new MemorySessionStore();
  return shared;
}

function isSame(a: Fence, b: Fence): boolean {
  return a.token === b.token && a.holder === b.holder;
}
