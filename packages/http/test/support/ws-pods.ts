import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { ServerOptions, WebSocket } from "ws";
import { WebSocket as Client, WebSocketServer } from "ws";
import type { World } from "./world.ts";
import { eventually } from "./world.ts";

/** A WebSocket as a pod has it. */
export interface PodSocket {
  readonly podIndex: number;
  readonly ws: WebSocket;
  readonly req: IncomingMessage;
  /** The connection below. */
  readonly raw: Duplex;
  readonly heard: string[];
  /** What it was closed with. */
  closedWith: number | undefined;
}

/** Pods that accept WebSockets, by the library that most services use; all that they accept, in order. */
export function acceptSockets(there: World, options: (podIndex: number) => ServerOptions = () => ({})): PodSocket[] {
  const accepted: PodSocket[] = [];
  for (const { pod, guard, server } of there.pods) {
    const sockets = new WebSocketServer({ noServer: true, ...options(pod.podIndex) });
    server.on("upgrade", (req: IncomingMessage, raw: Duplex, head: Buffer) => {
      void guard.upgrade(req, raw, head).then((entry) => {
        if (entry === undefined) return;
        sockets.handleUpgrade(req, raw, head, (ws) => {
          const { podIndex } = pod;
          const one: PodSocket = { podIndex, ws, req, raw, heard: [], closedWith: undefined };
          ws.on("message", (data) => one.heard.push((data as Buffer).toString())).on("error", () => undefined);
          ws.once("close", (code) => (one.closedWith = code));
          accepted.push(one);
        });
        entry.leave();
      });
    });
  }
  return accepted;
}

/** A client, and what it has been told. */
export interface WsClient {
  readonly ws: Client;
  readonly heard: string[];
  /** Resolves with the code and reason of its end. */
  readonly closed: Promise<readonly [code: number, reason: string]>;
}

export async function openSocket(there: World, uid = "alice", protocols: string[] = []): Promise<WsClient> {
  const ws = new Client(`ws://127.0.0.1:${there.port}/u/${uid}/live`, protocols);
  const heard: string[] = [];
  ws.on("message", (data) => heard.push((data as Buffer).toString())).on("error", () => undefined);
  const closed = new Promise<readonly [number, string]>((resolve) =>
    ws.once("close", (code, reason) => resolve([code, reason.toString()])),
  );
  await once(ws, "open");
  return { ws, heard, closed };
}

/** The pod's socket that was accepted as the given one, counted from 1. */
export async function acceptedAs(accepted: readonly PodSocket[], count: number): Promise<PodSocket> {
  await eventually(() => accepted.length).toBe(count);
  return accepted[count - 1] as PodSocket;
}
