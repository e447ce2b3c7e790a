import { randomUUID } from "node:crypto";
import type { HttpAnswer, LoadRequest } from "./http-answer.ts";
import type { LoadOptions } from "./options.ts";
import type { SocketMessage } from "./sockets/options.ts";
import type { Reading } from "./user-record.ts";

export interface RoomLoadOptions {
  /** The service's name at the gateway. Default "room". */
  readonly service?: string;
  /** Whether increments have an Idempotency-Key. Default true. */
  readonly keys?: boolean;
  /** Every so many-th request reads the state instead. Absent: none does. */
  readonly stateEvery?: number;
}

/** What a load of the sample service `room` behind a gateway is made of; spread it into the load's options. */
export interface RoomLoad extends Required<Pick<LoadOptions, "request" | "read">> {
  /** For the load's `sockets`: every change of the user's room. */
  readonly sockets: {
    readonly path: (uid: string, last: number | undefined) => string;
    readonly read: (text: string) => SocketMessage | undefined;
  };
}

/** Users of the sample service `room`: each increments its own counter, with a key that no other load uses. */
export function roomLoad({ service = "room", keys = true, stateEvery }: RoomLoadOptions = {}): RoomLoad {
  const load = randomUUID();
  const path = (uid: string, name: string): string => `/s/${service}/u/${encodeURIComponent(uid)}/${name}`;
  return {
    request(uid, turn): LoadRequest {
      if (stateEvery !== undefined && turn % stateEvery === stateEvery - 1) {
        return { method: "GET", path: path(uid, "state") };
      }
      return { method: "POST", path: path(uid, "incr"), ...(keys && { key: `${load}.${turn}` }) };
    },
    read: readRoom,
    sockets: {
      // From the first change on: what came before the socket was open is told too, as far as it is kept.
      path: (uid, last = 0) => `${path(uid, "live")}?last=${last}`,
      read: readLive,
    },
  };
}

interface RoomAnswer {
  readonly uid: string;
  readonly count: number;
  readonly sequence: number;
  readonly pod: number;
  readonly incarnation?: number;
  readonly token: string;
}

/** @throws Error when the answer is another user's, or another pod's than the gateway says. */
function readRoom({ text, headers }: HttpAnswer, uid: string): Reading {
  const answer = JSON.parse(text) as RoomAnswer;
  const { count, sequence, pod, incarnation, token } = answer;
  if (answer.uid !== uid) throw new Error(`the answer is for ${JSON.stringify(answer.uid)}`);
  const said = headers["podlink-pod"];
  if (said !== undefined && said !== String(pod)) throw new Error(`podlink-pod is ${String(said)}, not ${pod}`);
  return { count, sequence, pod, token, ...(incarnation !== undefined && { incarnation }) };
}

type LiveMessage =
  | { readonly kind: "hello" | "incr" | "say"; readonly sequence: number }
  | { readonly kind: "gap"; readonly next: number }
  | { readonly kind: "done" | "error" };

function readLive(text: string): SocketMessage | undefined {
  const message = JSON.parse(text) as LiveMessage;
  switch (message.kind) {
    case "incr":
    case "say":
      return { kind: "change", sequence: message.sequence };
    case "gap":
      return { kind: "gap", next: message.next };
    case "hello": // says what the room is, not what changed
    case "done":
    case "error":
      return undefined;
  }
}
