import type { Clock, Timer } from "@podlink/types";
import type { WebSocket } from "ws";
import type { Change } from "./session-store.ts";

/** Why a socket is closed (RFC 6455 section 7.4.1 and the IANA registry). */
export const CLOSE = {
  /** The pod stops. */
  goingAway: 1001,
  /** More at once than the pod takes from one socket. */
  tooMuch: 1008,
  broken: 1011,
  /** Another pod has the room now, or will: come back through the gateway. */
  comeBack: 1012,
  /** It reads too slowly: come back and get the rest. */
  tooSlow: 1013,
} as const;

interface LiveSocket {
  readonly socket: WebSocket;
  answersPings: boolean;
}

/** Who is connected to the rooms of this pod. */
export class LiveSockets {
  readonly #byUid = new Map<string, Set<LiveSocket>>();
  readonly #limits: { readonly maxSocketBacklogBytes: number; readonly pingMs: number };
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #size = 0;

  constructor(limits: { readonly maxSocketBacklogBytes: number; readonly pingMs: number }, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  has(uid: string): boolean {
    return this.#byUid.has(uid);
  }

  /** From now on the socket hears every change of the room. */
  add(uid: string, socket: WebSocket): void {
    if (socket.readyState === socket.CLOSED) return; // its close was told already
    const entry: LiveSocket = { socket, answersPings: true };
    const room = this.#byUid.get(uid) ?? new Set();
    this.#byUid.set(uid, room.add(entry));
    this.#size += 1;
    socket.on("pong", () => (entry.answersPings = true));
    socket.once("close", () => this.#delete(uid, entry));
    this.#timer ??= this.#clock.setTimer(this.#limits.pingMs, () => this.#ping());
  }

  push(uid: string, changes: readonly Change[]): void {
    const room = this.#byUid.get(uid);
    if (room === undefined) return;
    for (const change of changes) {
      const text = JSON.stringify(change);
      for (const { socket } of room) this.#send(socket, text);
    }
  }

  /** Sends one message; a socket that is too far behind is closed instead. */
  send(socket: WebSocket, message: object): void {
    this.#send(socket, JSON.stringify(message));
  }

  /** This pod's period with the uid is over. */
  endPeriod(uid: string, code: number): void {
    for (const entry of this.#byUid.get(uid) ?? []) {
      this.#delete(uid, entry); // at once: the next period's changes are not for it
      entry.socket.close(code);
    }
  }

  closeAll(code: number): void {
    for (const uid of Array.from(this.#byUid.keys())) this.endPeriod(uid, code);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #send(socket: WebSocket, text: string): void {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > this.#limits.maxSocketBacklogBytes) socket.close(CLOSE.tooSlow);
    else socket.send(text);
  }

  #ping(): void {
    this.#timer = undefined;
    for (const room of this.#byUid.values()) {
      for (const entry of room) {
        if (!entry.answersPings) {
          entry.socket.terminate();
          continue;
        }
        entry.answersPings = false;
        entry.socket.ping();
      }
    }
    if (this.#byUid.size > 0) this.#timer = this.#clock.setTimer(this.#limits.pingMs, () => this.#ping());
  }

  #delete(uid: string, entry: LiveSocket): void {
    const room = this.#byUid.get(uid);
    if (room?.delete(entry) !== true) return;
    this.#size -= 1;
    if (room.size === 0) this.#byUid.delete(uid);
  }
}
