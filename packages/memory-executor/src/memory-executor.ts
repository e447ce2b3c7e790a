import type {
  Answer,
  CallOptions,
  Clock,
  Figures,
  Heartbeat,
  HeartbeatResult,
  Leave,
  Link,
  LinkOp,
  Logger,
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
  batchGetLinkedPod,
  checkDurationMs,
  checkHeartbeat,
  checkItems,
  checkLeave,
  checkLinkOp,
  checkNamespace,
  checkPodIndex,
  checkReadPodsOptions,
  checkRegistration,
  checkService,
  checkTag,
  checkUid,
  checkWorkloadState,
  DEFAULTS,
  parseOptions,
  RouteError,
  silentLogger,
  systemClock,
} from "@podlink/types";
import { cancelled, checkCall } from "./call.ts";
import { CatalogueTable } from "./catalogue.ts";
import { Links } from "./links.ts";
import type { MemoryExecutorSettings } from "./options.ts";
import { optionsSchema } from "./options.ts";
import { PodTable } from "./pods/pod-table.ts";
import { Pushes } from "./pushes.ts";
import { StoreTime } from "./store-time.ts";

export interface MemoryExecutorOptions extends Partial<MemoryExecutorSettings> {
  /** The source of time; its wall time is the store's. Default: that of the process. */
  readonly clock?: Clock;
  /** Hears of listeners that throw. Default: nobody does. */
  readonly logger?: Logger;
}

/** Two heartbeats and 500 ms. */
const SILENCE_MS = 2 * DEFAULTS.heartbeatIntervalMs + 500;
const EVERYBODY = "";

/**
 * The store in one process: the same meaning as any other, nothing kept when the process ends. Drivers that share an
 * instance share the truth. Calls are carried out at once and in order; it has no timer and no connection.
 */
export class MemoryExecutor implements Store, MetricsSource {
  readonly #time: StoreTime;
  readonly #links: Links;
  readonly #pods: PodTable;
  readonly #catalogue = new CatalogueTable();
  readonly #podEvents: Pushes<PodEvent>;
  readonly #lostLinks: Pushes<LostLink>;
  readonly #successors: Pushes<Successor>;
  readonly #storeEvents: Pushes<StoreEvent>;
  #epoch = 1;
  #closed = false;

  /** @throws RouteError CONFIG */
  constructor(options: MemoryExecutorOptions = {}) {
    const { clock = systemClock, logger = silentLogger, ...rest } = options;
    const { ownedTtlMs, overloadScore } = parseOptions(optionsSchema, rest, "memoryExecutor");
    this.#time = new StoreTime(clock);
    this.#podEvents = new Pushes(logger);
    this.#lostLinks = new Pushes(logger);
    this.#successors = new Pushes(logger);
    this.#storeEvents = new Pushes(logger);
    this.#links = new Links({
      ownedTtlMs,
      onTaken: ({ namespace, service, uid }, { fromPodIndex, link }) =>
        this.#lostLinks.push(`${namespace}/${service}/${fromPodIndex}`, Object.freeze({ uid, link })),
    });
    this.#pods = new PodTable({
      overloadScore,
      onPublished: ({ namespace, service }, row) =>
        this.#podEvents.push(
          `${namespace}/${service}`,
          Object.freeze({ kind: "pod" as const, sequence: row.sequence, row }),
        ),
      onSucceeded: ({ namespace, service }, { podIndex, incarnation, life }) =>
        this.#successors.push(`${namespace}/${service}/${podIndex}`, Object.freeze({ incarnation, life })),
    });
  }

  async execute<O extends LinkOp>(op: O, call?: CallOptions): Promise<ResultOf<O>> {
    this.#begin("execute", call);
    return this.#links.execute(checkLinkOp(op), this.#time.nowMs());
  }

  async executeAll<O extends LinkOp>(ops: readonly O[], call?: CallOptions): Promise<Answer<O>[]> {
    this.#checkOpen();
    checkItems(ops, "ops");
    if (call?.timeoutMs !== undefined) checkDurationMs(call.timeoutMs, "timeoutMs");
    const nowMs = this.#time.nowMs(); // one moment for all of them
    const answers = ops.map((op): Answer<O> => {
      if (call?.signal?.aborted === true) return { error: cancelled("executeAll") };
      try {
        return { value: this.#links.execute(checkLinkOp(op), nowMs) };
      } catch (error) {
        return { error: RouteError.from(error) };
      }
    });
    return answers.map((answer) => Object.freeze(answer));
  }

  async podsOf(
    namespace: string,
    service: string,
    uids: readonly string[],
    call?: CallOptions,
  ): Promise<Map<number, string[]>> {
    const name = { namespace: checkNamespace(namespace), service: checkService(service) };
    return batchGetLinkedPod(this, { ...name, uids }, call);
  }

  async servicesOf(namespace: string, uid: string, call?: CallOptions): Promise<Map<string, Link>> {
    this.#begin("servicesOf", call);
    return this.#links.servicesOf(checkNamespace(namespace), checkUid(uid), this.#time.nowMs());
  }

  async readPods(namespace: string, service: string, options: ReadPodsOptions = {}): Promise<PodReading> {
    this.#begin("readPods", options);
    checkReadPodsOptions(options);
    const name = { namespace: checkNamespace(namespace), service: checkService(service) };
    const { known, silenceMs = SILENCE_MS } = options;
    return this.#pods.read(name, { known, silenceMs, nowMs: this.#time.nowMs() });
  }

  watchPods(namespace: string, service: string, listener: (event: PodEvent) => void): Subscription {
    this.#checkOpen();
    return this.#podEvents.add(`${checkNamespace(namespace)}/${checkService(service)}`, listener);
  }

  async register(registration: Registration, call?: CallOptions): Promise<RegisterResult> {
    this.#begin("register", call);
    return this.#pods.register(checkRegistration(registration), this.#time.nowMs());
  }

  async report(heartbeat: Heartbeat, call?: CallOptions): Promise<HeartbeatResult> {
    this.#begin("report", call);
    return this.#pods.report(checkHeartbeat(heartbeat), this.#time.nowMs());
  }

  async leave(leave: Leave, call?: CallOptions): Promise<{ readonly left: boolean }> {
    this.#begin("leave", call);
    return this.#pods.leave(checkLeave(leave), this.#time.nowMs());
  }

  watchLostLinks(
    namespace: string,
    service: string,
    podIndex: number,
    listener: (lost: LostLink) => void,
  ): Subscription {
    this.#checkOpen();
    return this.#lostLinks.add(podName(namespace, service, podIndex), listener);
  }

  watchSuccessors(
    namespace: string,
    service: string,
    podIndex: number,
    listener: (successor: Successor) => void,
  ): Subscription {
    this.#checkOpen();
    return this.#successors.add(podName(namespace, service, podIndex), listener);
  }

  async setServiceTag(namespace: string, tag: string, service: string, call?: CallOptions): Promise<void> {
    this.#begin("setServiceTag", call);
    this.#catalogue.setTag(checkNamespace(namespace), checkTag(tag), checkService(service));
  }

  async serviceByTag(namespace: string, tag: string, call?: CallOptions): Promise<string | undefined> {
    this.#begin("serviceByTag", call);
    return this.#catalogue.serviceByTag(checkNamespace(namespace), checkTag(tag));
  }

  async setWorkloadState(
    namespace: string,
    service: string,
    state: WorkloadState,
    ttlMs: number,
    call?: CallOptions,
  ): Promise<void> {
    this.#begin("setWorkloadState", call);
    checkNamespace(namespace);
    checkService(service);
    checkWorkloadState(state);
    checkDurationMs(ttlMs, "ttlMs", 1);
    const nowMs = this.#time.nowMs();
    this.#catalogue.setState(namespace, service, { state, expiresAtMs: nowMs + ttlMs }, nowMs);
  }

  async workloadStates(
    namespace: string,
    services: readonly string[],
    call?: CallOptions,
  ): Promise<Map<string, WorkloadState>> {
    this.#begin("workloadStates", call);
    checkNamespace(namespace);
    for (const service of checkItems(services, "services")) checkService(service);
    return this.#catalogue.states(namespace, services, this.#time.nowMs());
  }

  health(): StoreHealth {
    return this.#closed ? { healthy: false, reason: "closed" } : { healthy: true };
  }

  epoch(): number {
    return this.#epoch;
  }

  watchStore(listener: (event: StoreEvent) => void): Subscription {
    this.#checkOpen();
    return this.#storeEvents.add(EVERYBODY, listener);
  }

  /**
   * Forgets everything, as a server that comes back empty does: links, pods with their generations, tags, workload
   * states. The epoch grows and is told to watchers of the store; watchers of pods hear of a gap. For tests.
   */
  flushAll(): void {
    this.#checkOpen();
    this.#links.clear();
    this.#pods.clear();
    this.#catalogue.clear();
    this.#epoch += 1;
    this.#storeEvents.push(EVERYBODY, Object.freeze({ kind: "epoch", epoch: this.#epoch }));
    this.#podEvents.pushToAll(Object.freeze({ kind: "gap" }));
  }

  /** How much is there and has happened, as plain numbers. */
  read(): Figures {
    return {
      uids: this.#links.uids,
      pods: this.#pods.rows,
      workloadStates: this.#catalogue.stateCount,
      linkOperations: this.#links.operations,
      tokensIgnored: this.#links.tokensIgnored,
      clockBack: this.#time.stepsBack,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#podEvents.clear();
    this.#lostLinks.clear();
    this.#successors.clear();
    this.#storeEvents.clear();
  }

  #begin(what: string, call: CallOptions | undefined): void {
    this.#checkOpen();
    checkCall(what, call);
  }

  #checkOpen(): void {
    if (this.#closed) throw new RouteError("CLOSED", "the memory executor is closed", { outcome: "not-applied" });
  }
}

function podName(namespace: string, service: string, podIndex: number): string {
  return `${checkNamespace(namespace)}/${checkService(service)}/${checkPodIndex(podIndex)}`;
}
