import { balancerByName } from "@podlink/load-balancer";
import type { PodChange, PodView, StateCachePorts } from "@podlink/state-cache";
import { CoarseClock, ServiceStateCache } from "@podlink/state-cache";
import type {
  CallOptions,
  Catalogue,
  Clock,
  Figures,
  LoadBalancer,
  Logger,
  MetricsSource,
  PodDirectory,
  RouteErrorOutcome,
  RouteObserver,
  Subscription,
  WorkloadState,
} from "@podlink/types";
import {
  checkNamespace,
  checkPodIndex,
  checkService,
  checkTag,
  describeValue,
  guardedObserver,
  Listeners,
  parseOptions,
  RouteError,
  silentLogger,
  SingleFlight,
  systemClock,
  withDeadline,
} from "@podlink/types";
import { addTo, FollowedServices } from "./followed-services.ts";
import type { RouteInfoOptions, RouteInfoSettings } from "./options.ts";
import { routeInfoOptions, stateCacheOptionsOf } from "./options.ts";
import type { FollowedRoutes, ServiceRoutes } from "./service-routes.ts";
import { CachedRoutes } from "./service-routes.ts";

/** Names that come from outside may be without end: of services that aren't there at most so many are kept. */
const RESTING_KEPT = 256;

/** Where the driver reads, and what it runs on. */
export interface RouteInfoPorts {
  readonly directory: PodDirectory;
  readonly catalogue: Catalogue;
  readonly namespace: string;
  /** Makes the strategy of a service. Absent: the one that the option `balancer` names. */
  readonly balancer?: (service: string) => LoadBalancer;
  readonly clock?: Clock;
  readonly coarse?: CoarseClock;
  readonly logger?: Logger;
  readonly observer?: RouteObserver;
  /** The source of chance and jitter. Default Math.random. */
  readonly random?: () => number;
}

/** A change of a pod, and of which service. */
export interface RoutingStateChange extends PodChange {
  readonly namespace: string;
  readonly service: string;
}

/**
 * What a caller knows of the services of one namespace: pods, addresses, tags, workload, and the best pod for a new link.
 * Questions are answered from the state cache; a cold or switched-off one reads the store first, once for all who ask.
 */
export class RouteInfoDriver implements MetricsSource {
  readonly namespace: string;
  readonly settings: RouteInfoSettings;
  readonly #ports: RouteInfoPorts;
  readonly #clock: Clock;
  readonly #coarse: CoarseClock;
  readonly #logger: Logger;
  readonly #observer: RouteObserver | undefined;
  readonly #random: () => number;
  readonly #routes = new Map<string, CachedRoutes>();
  /** Those that have timers, or had some since they were looked through; forgotten ones that somebody kept too. */
  readonly #begun = new Set<CachedRoutes>();
  /** Whoever heard that their pods can't be read would not hear the end of it. */
  readonly #followed = new FollowedServices(({ cache }) => {
    if (cache.readingsFail) this.#tellReadable(cache.service, true);
  });
  #lookThroughAt = RESTING_KEPT;
  readonly #listeners: Listeners<RoutingStateChange>;
  readonly #tags = new SingleFlight<string, string | undefined>();
  readonly #workloads = new SingleFlight<string, WorkloadState | undefined>();
  #closed = false;

  /** Nothing runs before {@link init} or the first question. @throws RouteError CONFIG, INVALID_ARGUMENT */
  constructor(ports: RouteInfoPorts, options: RouteInfoOptions = {}) {
    this.settings = parseOptions(routeInfoOptions, options, "routeInfo");
    this.namespace = checkNamespace(ports.namespace);
    this.#ports = ports;
    this.#clock = ports.clock ?? systemClock;
    this.#coarse = ports.coarse ?? new CoarseClock(this.#clock);
    this.#logger = ports.logger ?? silentLogger;
    this.#observer = guardedObserver(ports.observer, this.#logger);
    this.#random = ports.random ?? Math.random;
    this.#listeners = new Listeners(this.#logger);
  }

  /** Starts the caches of the services asked for so far. Optional and idempotent; see {@link ServiceStateCache.init}. */
  async init(call?: CallOptions): Promise<void> {
    await Promise.all(Array.from(this.#routes.values(), (routes) => routes.init(call)));
  }

  /** Ends caches, timers and subscriptions. Idempotent. Questions after it reject with CLOSED. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { cache } of [...this.#routes.values(), ...this.#begun]) cache.close();
    this.#begun.clear();
    this.#followed.close();
    this.#listeners.clear();
    if (this.#ports.coarse === undefined) this.#coarse.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * The routes to a service; makes no call. The same object each time once a pod was registered or `init` was called; of
   * other names only the latest few hundred are kept.
   * @throws RouteError INVALID_ARGUMENT
   */
  service(name: string): ServiceRoutes {
    return this.#routes.get(name) ?? this.#open(name);
  }

  /**
   * Routes to a service for whoever needs them for a while only, as a pod that moves its users away: with a cache of their
   * own, which goes on by itself from its first `refresh`, even one that fails, and ends with `close`. Changes are not told to listeners of the driver.
   * @throws RouteError INVALID_ARGUMENT
   */
  follow(service: string): FollowedRoutes {
    const routes = this.#followed.add(this.#make(service, { stays: true }));
    if (this.#closed) routes.close();
    return routes;
  }

  /** For how long a link may be cached, in seconds. */
  getLinkInfoCacheTimeSecs(): number {
    return this.settings.linkInfoCacheTimeSecs;
  }

  /** Hears of every change of a service's pods, and starts its cache. @throws RouteError INVALID_ARGUMENT */
  registerRoutingStateChangedEvent(service: string, listener: (change: RoutingStateChange) => void): Subscription {
    const { cache, namespace } = this.service(service);
    const subscription = cache.onChange((change) => listener({ namespace, service, ...change }));
    // Failing is no harm: the cache goes on trying by itself.
    cache.init().catch(() => undefined);
    return subscription;
  }

  /** Hears of every change of a pod of every service that was asked for, or will be. */
  onRoutingStateChanged(listener: (change: RoutingStateChange) => void): Subscription {
    return this.#listeners.add(listener);
  }

  /** The living pods that say Ready, whatever traffic they take. */
  async getReadyServiceState(service: string, call?: CallOptions): Promise<readonly PodView[]> {
    const pods = await this.getAllServiceState(service, call);
    return pods.filter(({ alive, row }) => alive && row.serviceState === "Ready");
  }

  /** All pods that have a row, goodbyes too, by pod index. */
  async getAllServiceState(service: string, call?: CallOptions): Promise<readonly PodView[]> {
    return (await this.#ready(service, call)).pods();
  }

  /** One pod. Undefined: it has no row. */
  async getServiceState(service: string, podIndex: number, call?: CallOptions): Promise<PodView | undefined> {
    checkPodIndex(podIndex);
    return (await this.#ready(service, call)).pod(podIndex);
  }

  /** The load score that a pod reported last, 0 to 100. Undefined: it has no row. */
  async getPodLoadScore(service: string, podIndex: number, call?: CallOptions): Promise<number | undefined> {
    return (await this.getServiceState(service, podIndex, call))?.row.loadScore;
  }

  /** The service that a tag stands for. @throws RouteError TAG_NOT_FOUND */
  async getServiceNameByTag(tag: string, call: CallOptions = {}): Promise<string> {
    checkTag(tag);
    const { catalogue } = this.#ports;
    const asked = this.#ask("the service of a tag", call, () =>
      this.#tags.run(tag, () => this.#inTime("the service of a tag", catalogue.serviceByTag(this.namespace, tag))),
    );
    const service = await asked;
    if (service !== undefined) return service;
    throw new RouteError("TAG_NOT_FOUND", `no service of ${this.namespace} has the tag ${describeValue(tag)}`);
  }

  /** Names the service that a tag stands for, for everybody in the namespace. */
  async setGlobalServiceNameTag(tag: string, service: string, call: CallOptions = {}): Promise<void> {
    checkTag(tag);
    checkService(service);
    const { catalogue } = this.#ports;
    await this.#ask("setting a tag", { outcome: "unknown", ...call }, () =>
      catalogue.setServiceTag(this.namespace, tag, service, call),
    );
  }

  async isPodRoutable(service: string, podIndex: number, call?: CallOptions): Promise<boolean> {
    return (await this.getServiceState(service, podIndex, call))?.routable ?? false;
  }

  async isPodAvailable(service: string, podIndex: number, call?: CallOptions): Promise<boolean> {
    return (await this.getServiceState(service, podIndex, call))?.available ?? false;
  }

  async alivePods(service: string, call?: CallOptions): Promise<number[]> {
    return (await this.#ready(service, call)).alivePods();
  }

  async routablePods(service: string, call?: CallOptions): Promise<number[]> {
    return (await this.#ready(service, call)).routablePods();
  }

  /**
   * The pod for a new link.
   * @throws RouteError SERVICE_NOT_FOUND (no pod was ever registered), NO_ROUTABLE_POD
   */
  async getServiceBestPod(service: string, call?: CallOptions): Promise<PodView> {
    const cache = await this.#ready(service, call);
    const best = this.service(service).best();
    if (best !== undefined) return best;
    const name = `${this.namespace}/${service}`;
    if (!cache.isRegistered) throw new RouteError("SERVICE_NOT_FOUND", `no pod of ${name} was ever registered`);
    throw new RouteError("NO_ROUTABLE_POD", `no pod of ${name} can take a new link now`);
  }

  /** Whether enough pods are available, as the pods themselves say. */
  async isWorkloadReady(service: string, call: CallOptions = {}): Promise<boolean> {
    checkService(service);
    const { catalogue } = this.#ports;
    const state = await this.#ask("the workload state", call, () =>
      this.#workloads.run(service, async () => {
        const asked = catalogue.workloadStates(this.namespace, [service]);
        return (await this.#inTime("the workload state", asked)).get(service);
      }),
    );
    return state === "Ready";
  }

  /** The figures of all services together, and how many there are. Of those that are followed: the counters alone. */
  read(): Figures {
    const sums: Record<string, number> = { services: this.#routes.size };
    for (const routes of this.#routes.values()) addTo(sums, routes.read());
    addTo(sums, this.#followed.counts());
    return sums;
  }

  async #ready(service: string, call: CallOptions | undefined): Promise<ServiceStateCache> {
    const { cache } = this.service(service);
    await cache.ready(call);
    return cache;
  }

  /** Waits for a shared question no longer than this call allows. */
  #ask<T>(
    what: string,
    call: CallOptions & { readonly outcome?: RouteErrorOutcome },
    ask: () => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw new RouteError("CLOSED", "the route-info driver was closed");
    const asked = ask();
    asked.catch(() => undefined); // whoever waits hears of it; with a bad timeoutMs nobody does
    return withDeadline(asked, { ...call, what, clock: this.#clock });
  }

  /** A question that is shared ends in time whatever the store does: those who ask later would wait for it for ever. */
  #inTime<T>(what: string, asked: Promise<T>): Promise<T> {
    return withDeadline(asked, { what, timeoutMs: this.settings.commandTimeoutMs, clock: this.#clock });
  }

  #forgetResting(): void {
    for (const [name, { cache }] of this.#routes) if (cache.resting) this.#routes.delete(name);
    for (const routes of this.#begun) if (routes.cache.resting) this.#begun.delete(routes);
    this.#lookThroughAt = Math.max(RESTING_KEPT, 2 * this.#routes.size);
  }

  #hasBegun(routes: CachedRoutes): void {
    if (this.#closed) routes.cache.close();
    else this.#begun.add(routes);
  }

  #open(service: string): CachedRoutes {
    const routes: CachedRoutes = this.#make(service, { onBegin: () => this.#hasBegun(routes) });
    const { cache } = routes;
    if (this.#closed) cache.close();
    cache.onChange((change) => this.#listeners.emit({ namespace: this.namespace, service, ...change }));
    if (this.#routes.size >= this.#lookThroughAt) this.#forgetResting();
    this.#routes.set(service, routes);
    return routes;
  }

  #tellReadable(service: string, answers: boolean): void {
    this.#observer?.event({ kind: "store", namespace: this.namespace, service, answers, seenBy: "readings" });
  }

  #make(service: string, ways: Pick<StateCachePorts, "onBegin" | "stays">): CachedRoutes {
    const { balancer, directory } = this.#ports;
    const { settings } = this;
    const random = this.#random;
    const cache = new ServiceStateCache(
      {
        directory,
        namespace: this.namespace,
        service,
        clock: this.#clock,
        coarse: this.#coarse,
        logger: this.#logger,
        random,
        ...ways,
        onReadable: (answers) => this.#tellReadable(service, answers),
      },
      stateCacheOptionsOf(settings),
    );
    return new CachedRoutes({
      cache,
      balancer: balancer?.(service) ?? balancerByName[settings.balancer]({ random }),
      strict: settings.placement.strict,
      observer: this.#observer,
      random,
    });
  }
}

/** The driver of one namespace. @throws RouteError CONFIG, INVALID_ARGUMENT */
export function createRouteInfoDriver(ports: RouteInfoPorts, options: RouteInfoOptions = {}): RouteInfoDriver {
  return new RouteInfoDriver(ports, options);
}
