import { ClientDriver } from "@podlink/client-driver";
import type { RedisExecutorOptions } from "@podlink/redis-executor";
import { RedisExecutor } from "@podlink/redis-executor";
import { RouteInfoDriver } from "@podlink/route-info-driver";
import type { GuardAnswer, PeriodEvent, ServerDriverOptions } from "@podlink/server-driver";
import { ServerDriver } from "@podlink/server-driver";
import type { InvariantWatch, RecordingObserver } from "@podlink/testkit";
import { recordingObserver, watchInvariants } from "@podlink/testkit";
import type { Link } from "@podlink/types";
import { expect, vi } from "vitest";

export const NAMESPACE = "rows";
export const SERVICE = "room";

/** How long anything may take to be seen, in ms: a limit, not a promise. */
export const SOON = { timeout: 20_000, interval: 10 };

/** A lease so long that a Redis that is away for a moment doesn't end it, so what is noticed is the loss, not the lease. */
const server = {
  heartbeatIntervalMs: 200,
  leaseMs: 6000,
  leaseMarginMs: 600,
  propagationMs: 0,
  verifyIntervalMs: 500,
  cpuFactor: 0,
} as const;
/** For pods that are to outlive a failover on a busy machine: what is noticed then is the loss, not the end of a lease. */
export const LONG_LEASE = { leaseMs: 20_000, leaseMarginMs: 2000 } as const;
const routeOptions = { stateRefreshMs: 100, silenceMs: 1000, slowStartMs: 0 };

/** A pod with a store and routes of its own, as in a process of its own. */
export interface StorePod {
  readonly podIndex: number;
  readonly driver: ServerDriver;
  readonly store: RedisExecutor;
  readonly periods: PeriodEvent[];
  readonly observer: RecordingObserver;
}

/** A caller with a store, routes and caches of its own. */
export interface StoreCaller {
  readonly client: ClientDriver;
  readonly store: RedisExecutor;
}

/** Pods and callers on one Redis, each on connections of its own, all of them watched for two owners and for tokens that go back. */
export class StorePods implements AsyncDisposable {
  readonly pods: StorePod[] = [];
  readonly callers: StoreCaller[] = [];
  readonly watch: InvariantWatch = watchInvariants();
  readonly #redisOf: (podIndex?: number) => RedisExecutorOptions;
  readonly #open: AsyncDisposable[] = [];

  private constructor(redisOf: (podIndex?: number) => RedisExecutorOptions) {
    this.#redisOf = redisOf;
  }

  /**
   * Two or more ready pods and one caller that sees them.
   * @param redis what each of them connects to; a function: what this pod does, or, without a number, a caller.
   */
  static async start(
    redis: RedisExecutorOptions | ((podIndex?: number) => RedisExecutorOptions),
    options: { readonly pods?: number; readonly server?: Partial<ServerDriverOptions> } = {},
  ): Promise<StorePods> {
    const world = new StorePods(typeof redis === "function" ? redis : () => redis);
    try {
      for (let podIndex = 0; podIndex < (options.pods ?? 2); podIndex += 1)
        await world.#addPod(podIndex, options.server);
      await world.addCaller();
      world.watch.sampling({ everyMs: 20 });
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  async addCaller(): Promise<StoreCaller> {
    const { store, routes } = this.#connect();
    const client = new ClientDriver({ links: store, routes, namespace: NAMESPACE }, { leaseMs: server.leaseMs });
    this.#open.push(client);
    await vi.waitFor(() => client.service(SERVICE).init({ timeoutMs: 10_000 }), SOON);
    await vi.waitFor(async () => expect(await routes.routablePods(SERVICE)).toHaveLength(this.pods.length), SOON);
    const caller = { client, store };
    this.callers.push(caller);
    return caller;
  }

  /** One request of a user, as a gateway sends it: to the pod of the caller's link, and after a 421 once more. */
  async ask(uid: string, caller: StoreCaller | undefined = this.callers[0]): Promise<GuardAnswer & { by: number }> {
    if (caller === undefined) throw new Error("nobody calls");
    const rooms = caller.client.service(SERVICE);
    let target = await rooms.target(uid, { timeoutMs: 5000 });
    for (let hops = 0; ; hops += 1) {
      const { podIndex, incarnation, link } = target;
      const pod = { namespace: NAMESPACE, service: SERVICE, podIndex, incarnation };
      const answer = await this.pod(podIndex).driver.guard(uid, { token: link.token, pod, timeoutMs: 3000 });
      if (answer.ok || hops === 1 || !["held-by", "not-me"].includes(answer.reason)) return { ...answer, by: podIndex };
      target = await rooms.misdirected(target, answer.link, { timeoutMs: 5000 });
    }
  }

  /** As `ask`, until a pod serves the user. */
  async served(uid: string, caller?: StoreCaller): Promise<{ readonly by: number; readonly link: Link }> {
    return vi.waitFor(async () => {
      const answer = await this.ask(uid, caller);
      if (!answer.ok) throw new Error(`${uid}: ${answer.reason}`);
      return { by: answer.by, link: answer.link };
    }, SOON);
  }

  /** All of them served; who serves each, under which link. */
  async allServed(uids: readonly string[]): Promise<Map<string, { readonly by: number; readonly link: Link }>> {
    return new Map(await Promise.all(uids.map(async (uid) => [uid, await this.served(uid)] as const)));
  }

  pod(podIndex: number): StorePod {
    const pod = this.pods[podIndex];
    if (pod === undefined) throw new Error(`no pod ${podIndex}`);
    return pod;
  }

  /** The link as the store has it. */
  stored(uid: string): Promise<Link | undefined> {
    const [caller] = this.callers;
    if (caller === undefined) throw new Error("nobody calls");
    return caller.store.execute({ kind: "get", namespace: NAMESPACE, service: SERVICE, uid }, { timeoutMs: 5000 });
  }

  /** What each pod's observer was told of a kind. */
  told(kind: string): number[] {
    return this.pods.map(({ observer }) => observer.events.filter((event) => event.kind === kind).length);
  }

  /** No uid ever had two owners, no token went back. */
  async checkInvariants(): Promise<void> {
    await this.watch.close();
    this.watch.check({ atLeast: { holders: 20, guards: 10, tokens: 10 } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch.close();
    await Promise.all(this.pods.map(({ driver }) => driver.close()));
    for (const thing of this.#open.reverse()) await thing[Symbol.asyncDispose]();
  }

  async #addPod(podIndex: number, options: Partial<ServerDriverOptions> = {}): Promise<void> {
    const { store, watched, routes } = this.#connect(podIndex);
    const observer = recordingObserver();
    const driver = this.watch.pod(
      new ServerDriver(
        { store: watched, routes, observer },
        {
          ...server,
          namespace: NAMESPACE,
          service: SERVICE,
          podIndex,
          address: { host: "127.0.0.1", httpPort: 4000 + podIndex },
          ...options,
        },
      ),
    );
    const periods: PeriodEvent[] = [];
    driver.onPeriod((event) => void periods.push(event));
    this.pods.push({ podIndex, driver, store, periods, observer });
    await vi.waitFor(() => driver.start({ timeoutMs: 10_000 }), SOON);
    driver.ready();
  }

  #connect(podIndex?: number): { store: RedisExecutor; watched: RedisExecutor; routes: RouteInfoDriver } {
    const store = new RedisExecutor(this.#redisOf(podIndex));
    const watched = this.watch.tokens.through(store);
    const routes = new RouteInfoDriver({ directory: store, catalogue: store, namespace: NAMESPACE }, routeOptions);
    this.#open.push(store, routes);
    return { store, watched, routes };
  }
}

/** `count` users. */
export const users = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name}-${index}`);
