import type { Fence, SessionContext } from "@podlink/sessions";
import { FenceRefused } from "@podlink/sessions";
import { RouteError } from "@podlink/types";
import type { ChangeRequest } from "./change-request.ts";
import type { Change, SessionStore, StoredSession, UsedKey } from "./session-store.ts";
import { applyWrite } from "./session-store.ts";

/** What became of a change. */
export interface Changed {
  readonly sequence: number;
  readonly count: number;
  /** The key was used before: nothing was changed, this is what was answered then. */
  readonly repeated?: true;
}

/** How often a change is tried when a write of ours whose answer was lost turns up in between. */
const MAX_ATTEMPTS = 3;

/**
 * A session: what this pod has in memory of a room while it holds it. Written through: what is here is what the store
 * has, unless the outcome of a write is unknown; then it is read again before anything else.
 */
export class Room {
  readonly uid: string;
  readonly #store: SessionStore;
  /** Tells everybody connected. */
  readonly #push: (changes: readonly Change[]) => void;
  #kept: StoredSession;
  #certain = true;

  private constructor(
    uid: string,
    store: SessionStore,
    kept: StoredSession,
    push: (changes: readonly Change[]) => void,
  ) {
    this.uid = uid;
    this.#store = store;
    this.#kept = kept;
    this.#push = push;
  }

  /** Loads a room and raises its fence. @throws FenceRefused */
  static async load(
    uid: string,
    { fence }: Pick<SessionContext, "fence">,
    { store, push }: { readonly store: SessionStore; readonly push: (changes: readonly Change[]) => void },
  ): Promise<Room> {
    return new Room(uid, store, await loadAndRaise(store, uid, fence), push);
  }

  /** What is kept of the room, as the store has it. @throws FenceRefused */
  async read(fence: Fence): Promise<StoredSession> {
    if (!this.#certain) await this.#readAgain(fence);
    return this.#kept;
  }

  /**
   * Makes a change: written first, then told. A key that was used before changes nothing.
   * @throws FenceRefused; RouteError INVALID_ARGUMENT when the key was used for another request.
   */
  async change(request: ChangeRequest, fence: Fence): Promise<Changed> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const kept = await this.read(fence);
      const used = usedKey(kept, request);
      if (used !== undefined) return { sequence: used.sequence, count: used.count, repeated: true };
      const write = writeOf(kept, request);
      this.#certain = false; // until the store has answered, whatever happens
      const outcome = await this.#store.write(this.uid, fence, write);
      if (outcome === "behind") continue;
      if (outcome !== "written") throw new FenceRefused(outcome.refused);
      this.#certain = true;
      this.#kept = applyWrite(kept, write);
      this.#push([write.change]);
      return { sequence: write.change.sequence, count: write.change.count };
    }
    throw new RouteError("STORE_UNAVAILABLE", "the room changed under every attempt", { outcome: "not-applied" });
  }

  async #readAgain(fence: Fence): Promise<void> {
    const known = this.#kept.sequence;
    this.#kept = await loadAndRaise(this.#store, this.uid, fence);
    this.#certain = true;
    // A write whose answer was lost was done after all: those connected haven't heard of it.
    this.#push(this.#kept.changes.filter((change) => change.sequence > known));
  }
}

async function loadAndRaise(store: SessionStore, uid: string, fence: Fence): Promise<StoredSession> {
  const loaded = await store.loadAndRaise(uid, fence);
  if ("refused" in loaded) throw new FenceRefused(loaded.refused);
  return loaded.session;
}

function usedKey(kept: StoredSession, { key, fingerprint }: ChangeRequest): UsedKey | undefined {
  if (key === undefined) return undefined;
  const used = kept.keys.find((one) => one.key === key);
  if (used !== undefined && used.request !== fingerprint) {
    throw new RouteError("INVALID_ARGUMENT", "Idempotency-Key was used for another request; use a new one", {
      outcome: "not-applied",
    });
  }
  return used;
}

function writeOf(kept: StoredSession, request: ChangeRequest): { change: Change; key?: UsedKey } {
  const { kind, text, key, fingerprint } = request;
  const sequence = kept.sequence + 1;
  const count = kept.count + (kind === "incr" ? 1 : 0);
  const change: Change = { sequence, kind, count, ...(text === undefined ? undefined : { text }) };
  return key === undefined ? { change } : { change, key: { key, request: fingerprint, sequence, count } };
}

/** What somebody gets who saw the room last at a sequence number. */
export interface Rest {
  readonly changes: readonly Change[];
  /** The first change that comes, when it isn't the one after the last seen: those between are lost. */
  readonly gapUntil?: number;
}

/** The changes after the last one seen. A number from a life of the room that is gone is a gap too. */
export function changesAfter(kept: StoredSession, last: number): Rest {
  if (last > kept.sequence) return { changes: [], gapUntil: kept.sequence + 1 };
  const changes = kept.changes.filter((change) => change.sequence > last);
  const next = kept.sequence - changes.length + 1;
  return next === last + 1 ? { changes } : { changes, gapUntil: next };
}
