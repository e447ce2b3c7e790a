import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { MemoryExecutor } from "@podlink/memory-executor";
import { silentLogger } from "@podlink/types";
import type { Store } from "@podlink/types";
import { pino } from "pino";
import { connect, joinAsPod } from "podlink";
import { expect } from "vitest";
import type { Gateway, GatewayOptions } from "@podlink/gateway";
import { startGateway } from "@podlink/gateway";

const TIMES = { heartbeatIntervalMs: 100, leaseMs: 1000, leaseMarginMs: 100 };
const ROUTES = { stateRefreshMs: 100, silenceMs: 250 };

export type Handler = (req: IncomingMessage, res: ServerResponse) => void;

interface RunningPod {
  readonly podIndex: number;
  readonly server: Server;
  readonly guard: ReturnType<Awaited<ReturnType<typeof joinAsPod>>["guard"]>;
  readonly sockets: Set<Socket>;
  stop(): Promise<void>;
}

/** A store, pods that answer with their index, and a gateway before them; all in this process, over real sockets. */
export interface Place {
  readonly store: Store;
  readonly gateway: Gateway;
  readonly pods: readonly RunningPod[];
  /** Starts another gateway over the same store. */
  startGateway(options?: Partial<GatewayOptions>): Promise<Gateway>;
  close(): Promise<void>;
}

export interface PlaceOptions {
  readonly pods?: number;
  readonly store?: Store;
  readonly handler?: (podIndex: number) => Handler;
  readonly gateway?: Partial<GatewayOptions>;
}

export async function openPlace(options: PlaceOptions = {}): Promise<Place> {
  const { pods: count = 2, store = new MemoryExecutor(), handler = answerIndex } = options;
  const closers: (() => Promise<unknown>)[] = [];
  const gatewayOver = async (own: Partial<GatewayOptions> = {}): Promise<Gateway> => {
    const podlink = await connect({ store, namespace: "test", logger: silentLogger, routes: ROUTES });
    closers.push(() => podlink.close());
    const gateway = await startGateway({
      podlink,
      port: 0,
      logger: pino({ level: "silent" }),
      closeDeadlineMs: 200,
      ...own,
    });
    closers.push(() => gateway.close({ deadlineMs: 0 }));
    return gateway;
  };
  const pods: RunningPod[] = [];
  for (let podIndex = 0; podIndex < count; podIndex += 1) pods.push(await startPod(store, podIndex, handler(podIndex)));
  return {
    store,
    gateway: await gatewayOver(options.gateway),
    pods,
    startGateway: gatewayOver,
    async close() {
      for (const close of closers.reverse()) await close();
      await Promise.all(pods.map((pod) => pod.stop()));
    },
  };
}

async function startPod(store: Store, podIndex: number, handler: Handler): Promise<RunningPod> {
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const pod = await joinAsPod({
    store,
    namespace: "test",
    service: "room",
    podIndex,
    http: { port, host: "127.0.0.1" },
    logger: silentLogger,
    routes: ROUTES,
    server: { ...TIMES, propagationMs: 0, handOffTimeoutMs: 100, metadata: { pid: "7" } },
  });
  const guard = pod.guard({});
  server.on("request", (req, res) => guard(req, res, () => handler(req, res)));
  pod.ready();
  return {
    podIndex,
    server,
    guard,
    sockets,
    async stop() {
      await pod.stop({ deadlineMs: 200 });
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerIndex(podIndex: number): Handler {
  return (req, res) => res.end(JSON.stringify({ pod: podIndex, method: req.method, url: req.url }));
}

/** Asks again and again: on a busy machine sockets take their time. */
export function eventually<T>(look: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(look, { timeout: 15_000 });
}
