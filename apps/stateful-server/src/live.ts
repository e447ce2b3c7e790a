import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Guard } from "@podlink/http";
import { answerSocket } from "@podlink/http";
import type { Logger } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { WebSocketServer } from "ws";
import type { RawData, WebSocket } from "ws";
import { changeRequest } from "./change-request.ts";
import { CLOSE } from "./live-sockets.ts";
import type { LiveSockets } from "./live-sockets.ts";
import type { RoomLimits } from "./options.ts";
import { changesAfter } from "./room.ts";
import type { Rooms } from "./rooms.ts";
import { lastSeen, routeOf } from "./routes.ts";

/** How many messages of one socket may wait for their turn. */
const MAX_PENDING = 32;

/** What the sockets' side of a pod is made of. */
export interface LiveParts {
  readonly rooms: Rooms;
  readonly sockets: LiveSockets;
  readonly guard: Guard;
  readonly limits: RoomLimits;
  readonly logger: Logger;
}

/** Answers the `upgrade` event: `live` becomes a socket that hears every change of its room. */
export function liveUpgrade(parts: LiveParts): (req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void> {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: parts.limits.maxBodyBytes,
  });
  return async (req, socket, head) => {
    socket.on("error", () => socket.destroy());
    const asked = askedBy(req, parts, socket);
    if (asked === undefined) return;
    const entry = await parts.guard.upgrade(req, socket, head);
    if (entry === undefined) return;
    server.handleUpgrade(req, socket, head, (live) => {
      // A socket isn't a running request: a drain doesn't wait for it. It asks the guard again with every message.
      void entry.run(() => new LiveConnection(live, asked, parts).join()).finally(() => entry.leave());
    });
  };
}

interface Asked {
  readonly uid: string;
  readonly last: number | undefined;
}

function askedBy(req: IncomingMessage, { sockets, limits }: LiveParts, socket: Duplex): Asked | undefined {
  try {
    const route = routeOf(req.url);
    if (route?.name !== "live") {
      answerSocket(socket, new RouteError("INVALID_ARGUMENT", "there is no such path to upgrade"), { status: 404 });
      return undefined;
    }
    if (sockets.size >= limits.maxSockets) throw new RouteError("POD_UNAVAILABLE", "this pod has too many sockets");
    return { uid: route.uid, last: lastSeen(req.url) };
  } catch (error) {
    answerSocket(socket, error);
    return undefined;
  }
}

/** One connected client: its messages are handled one after another. */
class LiveConnection {
  readonly #socket: WebSocket;
  readonly #asked: Asked;
  readonly #parts: LiveParts;
  #work: Promise<void> = Promise.resolve();
  #pending = 0;
  #joined = false;

  constructor(socket: WebSocket, asked: Asked, parts: LiveParts) {
    this.#socket = socket;
    this.#asked = asked;
    this.#parts = parts;
    socket.on("error", () => undefined); // a broken frame or a cut connection: ws closes it by itself
    socket.on("message", (data, isBinary) => this.#hear(data, isBinary));
  }

  /** Says hello, sends what the client missed, and lets it hear what comes. */
  join(): Promise<void> {
    this.#work = this.#join();
    return this.#work;
  }

  async #join(): Promise<void> {
    const { rooms, sockets } = this.#parts;
    const { uid, last } = this.#asked;
    try {
      await rooms.join(uid, (kept, answer) => {
        const { changes, gapUntil } = changesAfter(kept, last ?? kept.sequence);
        sockets.send(this.#socket, { kind: "hello", ...answer });
        if (gapUntil !== undefined) sockets.send(this.#socket, { kind: "gap", last, next: gapUntil });
        for (const change of changes) sockets.send(this.#socket, change);
        sockets.add(uid, this.#socket);
        this.#joined = true;
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  #hear(data: RawData, isBinary: boolean): void {
    if (this.#pending >= MAX_PENDING) {
      this.#socket.close(CLOSE.tooMuch);
      return;
    }
    this.#pending += 1;
    this.#work = this.#work
      .then(() => this.#handle(data, isBinary))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => (this.#pending -= 1));
  }

  async #handle(data: RawData, isBinary: boolean): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const { rooms, sockets, limits } = this.#parts;
    const { key, request } = parseMessage(data, isBinary, limits);
    // The use asks the guard: a message is handled only while this pod has the room.
    const { count, sequence, repeated } = await rooms.change(this.#asked.uid, request);
    sockets.send(this.#socket, { kind: "done", key, count, sequence, repeated });
  }

  #fail(error: unknown): void {
    const { sockets, logger } = this.#parts;
    if (!RouteError.is(error)) {
      logger.error({ error: error instanceof Error ? error.message : String(error) }, "a socket failed");
      this.#socket.close(CLOSE.broken);
    } else if (error.code === "NOT_HOLDER" || error.code === "SUPERSEDED" || error.code === "CLOSED") {
      this.#socket.close(CLOSE.comeBack);
    } else {
      const { code, message, retryable, outcome, retryAfterMs } = error;
      sockets.send(this.#socket, { kind: "error", error: { code, message, retryable, outcome, retryAfterMs } });
      if (!this.#joined) this.#socket.close(CLOSE.comeBack); // or it would hear nothing for ever
    }
  }
}

/** `{ "kind": "incr" }` or `{ "kind": "say", "text": "..." }`, each with an optional `key`. */
function parseMessage(
  data: RawData,
  isBinary: boolean,
  limits: RoomLimits,
): { readonly key: unknown; readonly request: ReturnType<typeof changeRequest> } {
  const { kind, key, ...body } = objectOf(isBinary ? "" : textOf(data));
  if (kind !== "incr" && kind !== "say") {
    throw new RouteError("INVALID_ARGUMENT", 'kind must be "incr" or "say"', { outcome: "not-applied" });
  }
  return { key, request: changeRequest(kind, { key, body }, limits) };
}

/** ws hands a text over as one Buffer. */
function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString("utf8") : "";
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // answered below, like every other text that is no object
  }
  throw new RouteError("INVALID_ARGUMENT", "a message must be a JSON object", { outcome: "not-applied" });
}
