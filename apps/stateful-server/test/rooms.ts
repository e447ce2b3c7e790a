import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { MemoryExecutor } from "@podlink/memory-executor";
import { onTestFinished } from "vitest";
import type { ClientOptions } from "ws";
import { WebSocket } from "ws";
import { MemorySessionStore } from "../src/memory-session-store.ts";
import type { RoomOptions } from "../src/options.ts";
import type { RoomServer } from "../src/room-server.ts";
import { startRoom } from "../src/room-server.ts";

/** Several pods of one service in this process, with real sockets and quick times. */
export class TestService {
  readonly store = new MemoryExecutor();
  readonly sessionStore = new MemorySessionStore();
  readonly rooms: RoomServer[] = [];

  async start(podIndex: number, options: RoomOptions = {}): Promise<RoomServer> {
    const room = await startRoom({
      sessionStore: this.sessionStore,
      ...options,
      pod: {
        store: this.store,
        namespace: "test",
        podIndex,
        routes: { stateRefreshMs: 100, silenceMs: 250, commandTimeoutMs: 200 },
        server: {
          heartbeatIntervalMs: 100,
          leaseMs: 1000,
          leaseMarginMs: 100,
          propagationMs: 20,
          handOffTimeoutMs: 500,
          commandTimeoutMs: 200,
          notReadyHandOverMs: 3000,
          verifyIntervalMs: 1000,
          stop: { deadlineMs: 5000 },
          ...options.pod?.server,
        },
      },
    });
    this.rooms.push(room);
    return room;
  }

  async close(): Promise<void> {
    await Promise.all(this.rooms.map((room) => room.kill()));
    await this.store.close();
  }
}

/** A service that is closed when the test ends. */
export function testService(): TestService {
  const service = new TestService();
  onTestFinished(() => service.close());
  return service;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { readonly error?: { readonly code: string; readonly message: string } };
}

/** One request to a pod, without a gateway. */
export async function ask(room: RoomServer, method: string, path: string, init: RequestInit = {}): Promise<Answered> {
  const response = await fetch(`${room.url}${path}`, { method, ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? {} : JSON.parse(text) };
}

export const incr = (room: RoomServer, uid: string, key?: string): Promise<Answered> =>
  ask(
    room,
    "POST",
    `/u/${encodeURIComponent(uid)}/incr`,
    key === undefined ? {} : { headers: { "idempotency-key": key } },
  );

export const say = (
  room: RoomServer,
  uid: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answered> =>
  ask(room, "POST", `/u/${encodeURIComponent(uid)}/say`, {
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

/** A client of `live` that keeps what it heard. */
export class LiveClient {
  readonly socket: WebSocket;
  readonly heard: Record<string, unknown>[] = [];
  readonly closed: Promise<number>;
  readonly #wake = new Set<() => void>();

  constructor(room: RoomServer, path: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(`${room.url.replace("http", "ws")}${path}`, options);
    this.socket.on("message", (data: Buffer) => {
      this.heard.push(JSON.parse(data.toString("utf8")));
      for (const wake of this.#wake) wake();
    });
    this.closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.on("error", () => undefined);
    onTestFinished(() => this.socket.terminate());
  }

  /** Opens and waits for the hello. */
  static async open(room: RoomServer, uid: string, query = ""): Promise<LiveClient> {
    const client = new LiveClient(room, `/u/${encodeURIComponent(uid)}/live${query}`);
    await client.hears(1);
    return client;
  }

  /** Waits until so many messages were heard. */
  async hears(count: number): Promise<Record<string, unknown>[]> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#wake.add(resolve));
    return this.heard;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }
}

/** The status and body with which an upgrade was refused. */
export async function refusedUpgrade(room: RoomServer, path: string, headers = {}): Promise<Answered> {
  const socket = new WebSocket(`${room.url.replace("http", "ws")}${path}`, { headers });
  socket.on("error", () => undefined);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const answered = new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
  return { status: response.statusCode ?? 0, headers: answered, body: JSON.parse(Buffer.concat(chunks).toString()) };
}
