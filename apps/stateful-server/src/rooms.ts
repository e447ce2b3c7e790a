import type { Sessions, UseContext } from "@podlink/sessions";
import type { ChangeRequest } from "./change-request.ts";
import type { Room } from "./room.ts";
import type { Message, StoredSession } from "./session-store.ts";

/** What every answer about a room says. */
export interface RoomAnswer {
  readonly uid: string;
  readonly count: number;
  /** Of the newest change that this answer knows of. */
  readonly sequence: number;
  /** The pod that answered. */
  readonly pod: number;
  readonly incarnation: number | undefined;
  readonly token: string;
}

/** The rooms of this pod, as HTTP and sockets use them. */
export class Rooms {
  readonly #sessions: Sessions<Room>;

  constructor(sessions: Sessions<Room>) {
    this.#sessions = sessions;
  }

  state(uid: string): Promise<RoomAnswer & { readonly messages: readonly Message[] }> {
    return this.#sessions.use(uid, async (room, context) => {
      const kept = await room.read(context.fence);
      return { ...answer(uid, kept, context), messages: kept.messages };
    });
  }

  change(uid: string, request: ChangeRequest): Promise<RoomAnswer & { readonly repeated?: true }> {
    return this.#sessions.use(uid, async (room, context) => {
      const changed = await room.change(request, context.fence);
      return { ...answer(uid, changed, context), ...(changed.repeated && { repeated: true }) };
    });
  }

  /** Calls `welcome` with the room as it is, in its turn: no change comes between it and what is pushed after. */
  join(uid: string, welcome: (kept: StoredSession, answer: RoomAnswer) => void): Promise<void> {
    return this.#sessions.use(uid, async (room, context) => {
      const kept = await room.read(context.fence);
      if (!context.signal.aborted) welcome(kept, answer(uid, kept, context));
    });
  }
}

function answer(
  uid: string,
  { count, sequence }: { readonly count: number; readonly sequence: number },
  { link }: UseContext,
): RoomAnswer {
  return { uid, count, sequence, pod: link.podIndex, incarnation: link.incarnation, token: link.token };
}
