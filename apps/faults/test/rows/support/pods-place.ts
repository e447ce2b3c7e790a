import type { Server } from "node:http";
import type { FaultRow } from "@podlink/faults";
import type { FaultProxy } from "@podlink/testkit";
import { startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import type { Link } from "@podlink/types";
import { silentLogger } from "@podlink/types";
import type { ConnectOptions, JoinOptions, Pod, Podlink } from "podlink";
import { connect, joinAsPod } from "podlink";
import { expect, vi } from "vitest";

export const NAMESPACE = "prod";
export const SERVICE = "room";

/** The short times of tests, everything in proportion. */
export const TIMES = { heartbeatIntervalMs: 100, leaseMs: 1000, leaseMarginMs: 100, graceMs: 1000, panicMs: 2000 };
export const SERVER = {
  heartbeatIntervalMs: TIMES.heartbeatIntervalMs,
  leaseMs: TIMES.leaseMs,
  leaseMarginMs: TIMES.leaseMarginMs,
  propagationMs: 200,
  handOffTimeoutMs: 500,
  notReadyHandOverMs: 3000,
  verifyIntervalMs: 1000,
  cpuFactor: 0,
  stop: { deadlineMs: 3000 },
};
export const ROUTES = { stateRefreshMs: 100, silenceMs: 250, slowStartMs: 0 };
export const CLIENT = {
  leaseMs: TIMES.leaseMs,
  leaseMarginMs: TIMES.leaseMarginMs,
  failover: { graceMs: TIMES.graceMs },
  notReadyHandOverMs: 3000,
  panicMs: TIMES.panicMs,
};
/** A limit that only a broken test meets. */
export const GENEROUS = { timeout: 15_000, interval: 20 };

/** Where what is done to servers and lines is put on record. */
type Record = Pick<FaultRow, "server" | "proxy">;
const NO_RECORD: Record = { server: (server) => server, proxy: (proxy) => proxy };

/** A pod with a line of its own to Redis. */
export interface PlacedPod {
  readonly pod: Pod;
  readonly line: FaultProxy;
}

/** Real Redis, pods and callers in this process, each with a line of its own that is on the row's record. */
export class Place implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly #row: Record;
  readonly #open: AsyncDisposable[] = [];

  /** @param row absent: a test that is no row of the catalogue. */
  static async start(row: Record = NO_RECORD): Promise<Place> {
    return new Place(row, await startRedis());
  }

  private constructor(row: Record, redis: RedisServer) {
    this.#row = row;
    this.redis = row.server(redis);
  }

  async line(): Promise<FaultProxy> {
    const line = await startFaultProxy({ target: this.redis });
    this.#open.push(line);
    return this.#row.proxy(line);
  }

  /** Joined, and Ready unless told otherwise. */
  async pod(podIndex: number, options: JoinOptions & { readonly isReady?: boolean } = {}): Promise<PlacedPod> {
    const { isReady = true, server, ...more } = options;
    const line = await this.line();
    const pod = await joinAsPod({
      redis: line.url("redis"),
      namespace: NAMESPACE,
      service: SERVICE,
      podIndex,
      http: { port: 4000 + podIndex, host: "127.0.0.1" },
      server: { ...SERVER, ...server },
      routes: ROUTES,
      logger: silentLogger,
      ...more,
    });
    this.#open.push(pod);
    if (isReady) pod.ready();
    return { pod, line };
  }

  async caller(options: ConnectOptions = {}): Promise<Podlink> {
    const line = await this.line();
    const common = { redis: line.url("redis"), namespace: NAMESPACE, client: CLIENT, routes: ROUTES };
    const caller = await connect({ ...common, logger: silentLogger, ...options });
    this.#open.push(caller);
    return caller;
  }

  /** Ends with the place, its connections with it. */
  closing(server: Server, before: () => Promise<void> = () => Promise.resolve()): void {
    this.#open.push({
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        server.close();
        await before();
      },
    });
  }

  /** All lines pass again, and everything ends: callers and pods first, then their lines, then Redis. */
  async [Symbol.asyncDispose](): Promise<void> {
    const lines = this.#open.filter((thing) => "heal" in thing) as FaultProxy[];
    for (const line of lines) line.heal();
    const others = this.#open.filter((thing) => !("heal" in thing)).toReversed();
    await Promise.all(
      others.map((thing) => (isPod(thing) ? thing.stop({ deadlineMs: 1 }) : thing[Symbol.asyncDispose]())),
    );
    await Promise.all(lines.map((line) => line.end()));
    await this.redis.end();
  }
}

/** The caller sees so many pods that take users. */
export async function routable(caller: Podlink, count: number): Promise<void> {
  await vi.waitFor(async () => expect(await caller.routes.routablePods(SERVICE)).toHaveLength(count), GENEROUS);
}

/** Links the uid to this pod and has the pod take it. */
export async function settle(caller: Podlink, { pod }: PlacedPod, uid: string): Promise<Link> {
  await caller.client.setLinkedPodIfAbsent({ service: SERVICE, uid }, pod.podIndex);
  return vi.waitFor(async () => {
    const answer = await pod.driver.guard(uid);
    if (!answer.ok) throw new Error(`pod ${pod.podIndex} refused ${uid}: ${answer.reason}`);
    return answer.link;
  }, GENEROUS);
}

/** The link as the store has it. */
export const storedLink = (caller: Podlink, uid: string): Promise<Link | undefined> =>
  caller.client.getLinkedPodNotCache({ service: SERVICE, uid });

function isPod(thing: object): thing is Pod {
  return "podIndex" in thing;
}
