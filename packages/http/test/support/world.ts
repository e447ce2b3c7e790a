import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { connect } from "node:net";
import type { Guard, Proxy, ProxyOptions, ServerLimits } from "@podlink/http";
import { continueWhenRead, createGuard, createLimitedServer, createProxy } from "@podlink/http";
import { expect } from "vitest";
import { TablePod } from "./table-pod.ts";
import { TableRoute } from "./table-route.ts";

export type Handler = (req: IncomingMessage, res: ServerResponse) => void;

export interface WorldOptions {
  /** What a request is answered with once the guard let it in; by default the pod's index. */
  readonly handler?: (podIndex: number) => Handler;
  readonly pods?: number;
  readonly proxy?: Partial<ProxyOptions>;
  readonly limits?: ServerLimits;
}

interface PodServer {
  readonly pod: TablePod;
  readonly guard: Guard;
  readonly server: Server;
  readonly port: number;
}

/** A gateway and some pods over real sockets, routed by a table. */
export interface World {
  readonly route: TableRoute;
  readonly pods: readonly PodServer[];
  readonly proxy: Proxy;
  readonly gateway: Server;
  readonly port: number;
  url(path: string): string;
  close(): Promise<void>;
}

/** The uid of "/u/<uid>/...". */
export function uidOf(req: IncomingMessage): string | undefined {
  const [, text] = /^\/u\/([^/?]*)/.exec(req.url ?? "") ?? [];
  return text === undefined ? undefined : decodeURIComponent(text);
}

export async function world(options: WorldOptions = {}): Promise<World> {
  const { handler = answerIndex, pods: count = 2 } = options;
  const route = new TableRoute();
  const pods: PodServer[] = [];
  for (let podIndex = 0; podIndex < count; podIndex += 1) {
    const started = await startPod(podIndex, handler(podIndex));
    route.addresses.set(podIndex, { host: "127.0.0.1", httpPort: started.port });
    pods.push(started);
  }
  const proxy = createProxy(route, { uid: uidOf, ...options.proxy });
  const gateway = createLimitedServer(options.limits);
  gateway.on("request", proxy.handle).on("upgrade", proxy.upgrade);
  const port = await listen(gateway);
  return {
    route,
    pods,
    proxy,
    gateway,
    port,
    url: (path) => `http://127.0.0.1:${port}${path}`,
    async close() {
      await proxy.close({ deadlineMs: 0 });
      await Promise.all([gateway, ...pods.map((pod) => pod.server)].map(closeServer));
    },
  };
}

async function startPod(podIndex: number, handler: Handler): Promise<PodServer> {
  const pod = new TablePod(podIndex);
  const guard = createGuard(pod, { uid: uidOf });
  const server = createServer((req, res) => guard(req, res, () => handler(req, res)));
  continueWhenRead(server);
  return { pod, guard, server, port: await listen(server) };
}

export function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  socketsOf.set(server, sockets);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

const socketsOf = new WeakMap<Server, Set<Socket>>();

/** Upgraded connections too, which a server doesn't know any more. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of socketsOf.get(server) ?? []) socket.destroy();
  });
}

/** A port that nobody listens on. */
export async function deadPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await closeServer(server);
  return port;
}

/** A bare connection: what arrives is kept as text. */
export interface RawClient {
  readonly socket: Socket;
  readonly text: () => string;
  /** Resolves when what arrived contains the text. */
  until(part: string): Promise<string>;
  /** Resolves with everything when the other side has closed. */
  closed(): Promise<string>;
}

export function rawClient(port: number): RawClient {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  const closed = new Promise<string>((resolve) => {
    socket.once("end", () => resolve(text)).once("close", () => resolve(text));
  });
  return {
    socket,
    text: () => text,
    until: (part) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!text.includes(part)) return;
          socket.off("data", look);
          resolve(text);
        };
        socket.on("data", look);
        socket.once("close", () => reject(new Error(`closed before ${JSON.stringify(part)}: ${text}`)));
        look();
      }),
    closed: () => closed,
  };
}

function answerIndex(podIndex: number): Handler {
  return (_req, res) => res.end(String(podIndex));
}

export interface ErrorBody {
  readonly code: string;
  readonly outcome?: string;
}

/** What an error response says. */
export async function errorOf(response: Response): Promise<ErrorBody> {
  return ((await response.json()) as { error: ErrorBody }).error;
}

/** Asks again and again: on a busy machine sockets take their time. */
export function eventually<T>(
  look: () => T,
  options: { readonly interval?: number } = {},
): ReturnType<typeof expect.poll<T>> {
  return expect.poll(look, { timeout: 15_000, ...options });
}
