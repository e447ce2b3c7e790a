import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";

/** A service as tests make it. */
export interface Service {
  readonly url: string;
  /** Cuts all connections and listens no more. */
  readonly stop: () => Promise<void>;
}

interface Parts {
  readonly answer?: (req: IncomingMessage, res: ServerResponse) => void;
  /** A new socket, and the path that it asked for. Absent: upgrades are refused with 503. */
  readonly live?: (socket: WebSocket, path: string) => void;
}

/** A server on a free port that ends with the test. */
export async function startService({ answer, live }: Parts): Promise<Service> {
  const server = createServer((req, res) => {
    req.resume();
    if (answer === undefined) res.writeHead(404).end();
    else answer(req, res);
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (req, socket, head) => {
    socket.on("error", () => undefined); // whoever asked went away
    if (live === undefined)
      socket.end("HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n");
    else sockets.handleUpgrade(req, socket, head, (opened) => live(opened, req.url ?? ""));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    for (const socket of sockets.clients) socket.terminate();
    await closed;
  };
  onTestFinished(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

/** A URL where nobody listens. */
export async function nobody(): Promise<string> {
  const { url, stop } = await startService({});
  await stop();
  return url;
}

/** How long a test waits for what must come, on however busy a machine. */
export const PATIENTLY = { timeout: 20_000 };

/** The end of a load whose answers are all to come: on a busy machine the default deadline gives some of them up. */
export const WHEN_ANSWERED = { deadlineMs: 20_000 };

/** A load's least options: users who post. */
export const posting = {
  users: 10,
  ratePerSecond: 200,
  timeoutMs: 60_000,
  request: (uid: string, turn: number) => ({ method: "POST", path: `/${uid}/${turn}` }),
};
