import type {
  Answer,
  CallOptions,
  Figures,
  Heartbeat,
  HeartbeatResult,
  Leave,
  Link,
  LinkOp,
  LostLink,
  MetricsSource,
  PodEvent,
  PodReading,
  ReadPodsOptions,
  RegisterResult,
  Registration,
  ResultOf,
  Store,
  StoreEvent,
  StoreHealth,
  Subscription,
  Successor,
  WorkloadState,
} from "@podlink/types";
import {
  checkNamespace,
  DEFAULT_CALL_TIMEOUT_MS,
  RouteError,
  silentLogger,
  systemClock,
  withDeadline,
} from "@podlink/types";
import { CheckedConnection } from "./connection/checked-connection.ts";
import { Namespaces } from "./connection/namespaces.ts";
import { RedisConnection } from "./connection/redis-connection.ts";
import { RedisLinks } from "./links/redis-links.ts";
import { linkSelfTests } from "./links/self-tests.ts";
import type { RedisExecutorOptions } from "./options.ts";
import { parseRedisOptions } from "./options.ts";
import { RedisCatalogue } from "./pods/catalogue.ts";
import { RedisDirectory } from "./pods/directory.ts";
import { RedisRegistry } from "./pods/registry.ts";
import { podSelfTests } from "./pods/self-tests.ts";
import { TimerWheel } from "./timer-wheel.ts";

/**
 * The store on Redis. Drivers of one process share an instance, and with it one connection to send on and one to listen on.
 * It connects by itself, now and after every loss; until then calls wait for at most their own deadline, or are refused at
 * once when Redis has not answered for a while.
 */
export class RedisExecutor implements Store, MetricsSource {
  readonly #connection: RedisConnection;
  readonly #namespaces: Namespaces;
  readonly #links: RedisLinks;
  readonly #registry: RedisRegistry;
  readonly #directory: RedisDirectory;
  readonly #catalogue: RedisCatalogue;
  readonly #wheel: TimerWheel;
  #isClosed = false;

  /** Connecting begins at once, and fails nobody: see {@link RedisExecutor.init}. @throws RouteError CONFIG */
  constructor(options: RedisExecutorOptions = {}) {
    const { clock = systemClock, logger = silentLogger, nowMs, ...rest } = options;
    const settings = parseRedisOptions(rest);
    const { prefix, linkBuckets, ownedTtlMs, overloadScore, maxWaitingOperations, maxScriptsOnWire } = settings;
    this.#wheel = new TimerWheel(clock);
    this.#connection = new RedisConnection({ settings, clock, wheel: this.#wheel, logger });
    this.#namespaces = new Namespaces({
      connection: this.#connection,
      clock,
      logger,
      prefix,
      linkBuckets,
      selfTests: (...name) => [...linkSelfTests(...name), ...podSelfTests(...name)],
    });
    this.#connection.watch((event) => event.kind === "epoch" && this.#namespaces.forget());
    const connection = new CheckedConnection(this.#connection, this.#namespaces);
    const parts = { connection, clock: this.#wheel, logger, prefix, ...(nowMs === undefined ? {} : { nowMs }) };
    this.#links = new RedisLinks({ ...parts, linkBuckets, ownedTtlMs, maxWaitingOperations, maxScriptsOnWire });
    this.#registry = new RedisRegistry({ ...parts, overloadScore });
    this.#directory = new RedisDirectory({ ...parts, overloadScore });
    this.#catalogue = new RedisCatalogue({ ...parts, overloadScore });
  }

  /**
   * Waits until Redis answers and the namespaces can be used. Optional: the first call in a namespace does the same. Idempotent.
   * @throws RouteError STORE_UNAVAILABLE, UNAUTHENTICATED; CONFIG (another linkBuckets, an old server); PERMISSION_DENIED naming
   * what is missing; INTERNAL for a broken script
   */
  async init(namespaces: readonly string[] = [], call: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    for (const namespace of namespaces) checkNamespace(namespace);
    const { timeoutMs = DEFAULT_CALL_TIMEOUT_MS } = call;
    const work = this.#connection
      .whenReady(timeoutMs)
      .then(() => Promise.all(namespaces.map((namespace) => this.#namespaces.check(namespace))));
    await withDeadline(work, { ...call, timeoutMs: timeoutMs + 50, what: "connecting to Redis", clock: this.#wheel });
  }

  // Not `async`: that is a promise more for each operation, and the links reject by themselves.
  /**
   * @throws RouteError STORE_UNAVAILABLE, not applied: Redis refused it, or it was never sent as Redis is away; TIMEOUT, unknown:
   * sent and not answered; TIMEOUT, not applied: Redis is there, and it waited for its turn until the end
   */
  execute<O extends LinkOp>(op: O, call?: CallOptions): Promise<ResultOf<O>> {
    return this.#links.execute(op, call);
  }

  executeAll<O extends LinkOp>(ops: readonly O[], call?: CallOptions): Promise<Answer<O>[]> {
    return this.#links.executeAll(ops, call);
  }

  podsOf(
    namespace: string,
    service: string,
    uids: readonly string[],
    call?: CallOptions,
  ): Promise<Map<number, string[]>> {
    return this.#links.podsOf(namespace, service, uids, call);
  }

  servicesOf(namespace: string, uid: string, call?: CallOptions): Promise<Map<string, Link>> {
    return this.#links.servicesOf(namespace, uid, call);
  }

  async readPods(namespace: string, service: string, options?: ReadPodsOptions): Promise<PodReading> {
    this.#checkOpen();
    return this.#directory.readPods(namespace, service, options);
  }

  watchPods(namespace: string, service: string, listener: (event: PodEvent) => void): Subscription {
    this.#checkOpen();
    return this.#directory.watchPods(namespace, service, listener);
  }

  async register(registration: Registration, call?: CallOptions): Promise<RegisterResult> {
    this.#checkOpen();
    return this.#registry.register(registration, call);
  }

  async report(heartbeat: Heartbeat, call?: CallOptions): Promise<HeartbeatResult> {
    this.#checkOpen();
    return this.#registry.report(heartbeat, call);
  }

  async leave(leave: Leave, call?: CallOptions): Promise<{ readonly left: boolean }> {
    this.#checkOpen();
    return this.#registry.leave(leave, call);
  }

  watchLostLinks(
    namespace: string,
    service: string,
    podIndex: number,
    listener: (lost: LostLink) => void,
  ): Subscription {
    this.#checkOpen();
    return this.#registry.watchLostLinks(namespace, service, podIndex, listener);
  }

  watchSuccessors(
    namespace: string,
    service: string,
    podIndex: number,
    listener: (successor: Successor) => void,
  ): Subscription {
    this.#checkOpen();
    return this.#registry.watchSuccessors(namespace, service, podIndex, listener);
  }

  async setServiceTag(namespace: string, tag: string, service: string, call?: CallOptions): Promise<void> {
    this.#checkOpen();
    return this.#catalogue.setServiceTag(namespace, tag, service, call);
  }

  async serviceByTag(namespace: string, tag: string, call?: CallOptions): Promise<string | undefined> {
    this.#checkOpen();
    return this.#catalogue.serviceByTag(namespace, tag, call);
  }

  async setWorkloadState(
    namespace: string,
    service: string,
    state: WorkloadState,
    ttlMs: number,
    call?: CallOptions,
  ): Promise<void> {
    this.#checkOpen();
    return this.#catalogue.setWorkloadState(namespace, service, state, ttlMs, call);
  }

  async workloadStates(
    namespace: string,
    services: readonly string[],
    call?: CallOptions,
  ): Promise<Map<string, WorkloadState>> {
    this.#checkOpen();
    return this.#catalogue.workloadStates(namespace, services, call);
  }

  health(): StoreHealth {
    return this.#connection.health();
  }

  epoch(): number {
    return this.#connection.epoch();
  }

  watchStore(listener: (event: StoreEvent) => void): Subscription {
    this.#checkOpen();
    return this.#connection.watch(listener);
  }

  /** How much was asked and how much is under way, as plain numbers. */
  read(): Figures {
    return {
      ...this.#connection.read(),
      ...this.#links.read(),
      ...this.#directory.read(),
      ...this.#catalogue.read(),
    };
  }

  /** Ends subscriptions, timers and connections made here; what is under way ends with CLOSED. An injected client stays open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#links.close();
    await this.#connection.close();
    this.#wheel.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new RouteError("CLOSED", "the Redis executor is closed", { outcome: "not-applied" });
  }
}
