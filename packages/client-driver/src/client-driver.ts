import { checkReadingTimes, CoarseClock } from "@podlink/state-cache";
import type { CallOptions, Clock, Figures, Lifetime, Link, Logger, MetricsSource, RouteObserver } from "@podlink/types";
import {
  checkItems,
  checkNamespace,
  checkService,
  checkUid,
  guardedObserver,
  parseOptions,
  RouteError,
  silentLogger,
  systemClock,
} from "@podlink/types";
import { checkLink } from "./check-link.ts";
import { Counters } from "./counters.ts";
import type { NamespaceReach, SharedParts } from "./namespace-links.ts";
import { NamespaceLinks } from "./namespace-links.ts";
import { OpenCalls } from "./open-calls.ts";
import type { ClientDriverOptions, ResolvedClientDriverOptions } from "./options.ts";
import { clientDriverOptions } from "./options.ts";
import { Pace } from "./pace.ts";
import type { ServiceHandle } from "./service-handle.ts";
import type { ServiceLinks } from "./service-links.ts";

/** What a client driver runs on. Nothing given here is closed by it. */
export interface ClientDriverPorts extends NamespaceReach {
  /** The namespace of `links` and `routes`, and of every key that names none. */
  readonly namespace: string;
  /** Stores of other namespaces, by namespace. Absent: only its own is known. */
  readonly others?: Readonly<Record<string, NamespaceReach>>;
  readonly clock?: Clock;
  /** Shared with other caches. Absent: one of its own. */
  readonly coarse?: CoarseClock;
  readonly logger?: Logger;
  readonly observer?: RouteObserver;
  /** Numbers from 0 to less than 1, for jitter. Default Math.random. */
  readonly random?: () => number;
}

/** Names a link; without a namespace the driver's own is meant. */
export interface LinkName {
  readonly namespace?: string | undefined;
  readonly service: string;
  readonly uid: string;
}

/**
 * From a uid to the pod that holds it, for callers. A cached link of an available pod costs no I/O; all others one operation.
 * Every call settles within its `timeoutMs`. All methods throw or reject with INVALID_ARGUMENT for a bad name,
 * NAMESPACE_UNKNOWN and CLOSED; those that ask the store with STORE_UNAVAILABLE, TIMEOUT, CANCELLED and CORRUPT too.
 */
export class ClientDriver implements MetricsSource {
  readonly namespace: string;
  readonly options: ResolvedClientDriverOptions;
  readonly #namespaces = new Map<string, NamespaceLinks>();
  readonly #calls: OpenCalls;
  readonly #counters = new Counters();

  /** @throws RouteError CONFIG, INVALID_ARGUMENT */
  constructor(ports: ClientDriverPorts, options: ClientDriverOptions = {}) {
    const { links, routes, others = {}, clock = systemClock, logger = silentLogger, random = Math.random } = ports;
    this.namespace = checkNamespace(ports.namespace);
    this.options = parseOptions(clientDriverOptions, options, "clientDriver");
    this.#calls = new OpenCalls(clock);
    const shared: SharedParts = {
      clock,
      coarse: ports.coarse ?? new CoarseClock(clock), // runs while a cache uses it
      random,
      observer: guardedObserver(ports.observer, logger),
      options: this.options,
      calls: this.#calls,
      counters: this.#counters,
      pace: new Pace({ ratePerSecond: this.options.failover.ratePerSecond, clock, random }),
    };
    this.#add(this.namespace, { links, routes }, shared);
    for (const [name, reach] of Object.entries(others)) this.#add(checkNamespace(name, "others"), reach, shared);
  }

  /** Prepares the pods' states of its own namespace. Idempotent and optional: the first call of a service does it. */
  async init(call: CallOptions = {}): Promise<void> {
    const { routes } = this.#reach(this.namespace).reach;
    await this.#wait("init", call, (bounded) => routes.init(bounded));
  }

  /** Ends every call under way with CLOSED, and every timer. What was given to it stays open. Idempotent. */
  close(): Promise<void> {
    this.#calls.close();
    for (const namespace of this.#namespaces.values()) namespace.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A service as its callers use it; the same one for the same name. */
  service(name: string, namespace?: string): ServiceHandle {
    return this.#reach(namespace).handle(name);
  }

  /**
   * The link of the uid, whose pod is available: from the cache; else made for the best pod if there is none; moved if its
   * pod is gone.
   * @throws RouteError SERVICE_NOT_FOUND, NO_ROUTABLE_POD, POD_UNAVAILABLE too
   */
  async computeLinkedPod(key: LinkName, call?: CallOptions): Promise<Link> {
    return this.#links(key).resolve(key.uid, call);
  }

  /** The link: from the cache if its pod is available, else from the store. Absent: there is none; none is made. */
  async getLinkedPod(key: LinkName, call?: CallOptions): Promise<Link | undefined> {
    const links = this.#links(key);
    return links.hit(key.uid) ?? (await links.read(key.uid, call));
  }

  /** As {@link getLinkedPod}, but from the store only a persistent link counts: of a user who is there to stay. */
  async getLinkedPodInCacheOrIfPersist(key: LinkName, call?: CallOptions): Promise<Link | undefined> {
    const links = this.#links(key);
    return links.hit(key.uid) ?? (await links.readPersistent(key.uid, call));
  }

  /** The link as the store has it now; the cache learns it. Absent: there is none. */
  async getLinkedPodNotCache(key: LinkName, call?: CallOptions): Promise<Link | undefined> {
    return this.#links(key).read(key.uid, call);
  }

  /** The cached link, whatever became of its pod. Absent: none, or its time is over. */
  getLinkedInCache(key: LinkName): Link | undefined {
    return this.#links(key).cached(checkUid(key.uid));
  }

  /** Drops the cached link: the next call asks the store. Returns what was cached. */
  cacheExpired(key: LinkName): Link | undefined {
    return this.#links(key).forget(checkUid(key.uid));
  }

  /** Caches a link learned elsewhere, unless a newer one is there. Returns what was cached before. */
  setCache(link: Link): Link | undefined {
    const checked = checkLink(link);
    return this.#links(checked).set(checked);
  }

  /** All live links of a uid, by service, as the store has them. */
  async getLinkService(uid: string, namespace?: string, call: CallOptions = {}): Promise<Map<string, Link>> {
    const { links } = this.#reach(namespace).reach;
    const name = namespace ?? this.namespace;
    checkUid(uid);
    return this.#wait("getLinkService", call, (bounded) => links.servicesOf(name, uid, bounded));
  }

  /** Who of up to 10,000 uids is linked to which pod, as the store has it; uids without a link are left out. */
  async batchGetLinkedPod(
    asked: { readonly namespace?: string; readonly service: string; readonly uids: readonly string[] },
    call: CallOptions = {},
  ): Promise<Map<number, string[]>> {
    const { namespace = this.namespace, service, uids } = asked;
    const { links } = this.#reach(namespace).reach;
    checkService(service);
    for (const uid of checkItems(uids, "uids")) checkUid(uid);
    return this.#wait("batchGetLinkedPod", call, (bounded) => links.podsOf(namespace, service, uids, bounded));
  }

  /**
   * Reserves the uid for a pod unless it has a link already. The link that holds now.
   * @param options.lifetime default: linkInfoCacheTimeSecs.
   */
  async setLinkedPodIfAbsent(
    key: LinkName,
    podIndex: number,
    options: CallOptions & { readonly lifetime?: Lifetime } = {},
  ): Promise<Link> {
    const { namespace = this.namespace, service, uid } = key;
    const { lifetime = { ttlMs: Math.round(this.options.linkInfoCacheTimeSecs * 1000) }, ...call } = options;
    const op = { kind: "setIfAbsent", namespace, service, uid, owner: { podIndex }, lifetime } as const;
    return this.#links(key).reserve(op, call);
  }

  /** Counters since the start, and the link caches' figures added up. */
  read(): Figures {
    const figures: Record<string, number> = { ...this.#counters.read(), waiting: this.#calls.size };
    for (const namespace of this.#namespaces.values()) {
      for (const cache of namespace.caches()) {
        for (const [name, value] of Object.entries(cache.read())) figures[name] = (figures[name] ?? 0) + value;
      }
    }
    return figures;
  }

  #add(name: string, reach: NamespaceReach, shared: SharedParts): void {
    if (this.#namespaces.has(name)) throw new RouteError("CONFIG", `others.${name}: the driver's own namespace`);
    const { namespace } = reach.routes;
    if (namespace !== name)
      throw new RouteError("CONFIG", `the routes for namespace ${name} are those of ${namespace}`);
    checkReadingTimes(reach.routes.settings, this.options.leaseMs);
    this.#namespaces.set(name, new NamespaceLinks(name, reach, shared));
  }

  #links({ namespace, service }: Pick<LinkName, "namespace" | "service">): ServiceLinks {
    return this.#reach(namespace).links(service);
  }

  #reach(namespace: string = this.namespace): NamespaceLinks {
    this.#calls.checkOpen();
    const known = this.#namespaces.get(namespace);
    if (known !== undefined) return known;
    throw new RouteError("NAMESPACE_UNKNOWN", `no store is registered for namespace ${checkNamespace(namespace)}`);
  }

  #wait<T>(what: string, call: CallOptions, work: (bounded: CallOptions) => Promise<T>): Promise<T> {
    const bounded = { ...call, timeoutMs: call.timeoutMs ?? this.options.callTimeoutMs };
    return this.#calls.wait(() => work(bounded), { ...bounded, what });
  }
}
