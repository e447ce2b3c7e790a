import type { ServiceRoutes } from "@podlink/route-info-driver";
import type { CertainPods, LinkCache, ServiceStateCache } from "@podlink/state-cache";
import type { CallOptions, Clock, DeadlineOptions, Link, RouteObserver, Scope, SetIfAbsentOp } from "@podlink/types";
import { checkLinkOp, checkUid, compareTokens, SingleFlight } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { Counters } from "./counters.ts";
import type { LinkCommands } from "./link-commands.ts";
import { isStoreDown } from "./link-commands.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { ResolvedClientDriverOptions } from "./options.ts";
import type { Placement } from "./placement.ts";
import type { PodEndings } from "./pod-endings.ts";
import type { ServiceStatus } from "./service-status.ts";
import type { Target } from "./target.ts";
import { targetOf } from "./target.ts";

export interface ServiceLinksParts {
  readonly namespace: string;
  readonly service: string;
  readonly routes: ServiceRoutes;
  readonly cache: LinkCache;
  readonly commands: LinkCommands;
  readonly placement: Placement;
  readonly endings: PodEndings;
  readonly calls: OpenCalls;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly observer: RouteObserver | undefined;
  readonly options: ResolvedClientDriverOptions;
  readonly status: () => ServiceStatus;
}

/** A call, its name, and whether it may have had an effect when its time is over. */
type Waited = Omit<DeadlineOptions, "clock">;

/** What was forgotten while it was asked is asked again; after so many times its callers get what was read. */
const MAX_ATTEMPTS = 4;

/** The links of one service as its callers use them: the cache first, one shared flight for each uid that it doesn't answer. */
export class ServiceLinks {
  /** Set when the service was forgotten, because nobody had asked for it: its successor is to be used. */
  retired = false;
  readonly #parts: ServiceLinksParts;
  readonly #flights = new SingleFlight<string, Link>();
  // What every hit reads, without a way round.
  readonly #cache: LinkCache;
  readonly #pods: ServiceStateCache;
  readonly #certain: CertainPods;
  readonly #counters: Counters;
  readonly #observer: RouteObserver | undefined;

  constructor(parts: ServiceLinksParts) {
    this.#parts = parts;
    this.#cache = parts.cache;
    this.#pods = parts.routes.cache;
    this.#certain = parts.routes.cache.certainPods;
    this.#counters = parts.counters;
    this.#observer = parts.observer;
  }

  get routes(): ServiceRoutes {
    return this.#parts.routes;
  }

  /** What a peek looks at first. */
  get cache(): LinkCache {
    return this.#cache;
  }

  /** The service as this caller sees it. */
  status(): ServiceStatus {
    return this.#parts.status();
  }

  get endings(): PodEndings {
    return this.#parts.endings;
  }

  /** Whether its service has no pods that are followed, and nobody waits for a link of it. */
  get resting(): boolean {
    return this.#pods.resting && this.#flights.size === 0;
  }

  /** The pod of a cached link that serves it. No I/O, no allocation. */
  peek(uid: string): number | undefined {
    const podIndex = this.#cache.peek(uid);
    return podIndex !== undefined && this.#serves(podIndex) ? podIndex : undefined;
  }

  /**
   * Where {@link resolve}'s link leads, if it is cached and nothing about its pod is uncertain: at once, and counted as that is. Undefined:
   * `resolve` says, and nothing was counted.
   */
  peekTarget(uid: string): Target | undefined {
    const slot = this.#cache.slotOfCertain(uid, this.#certain);
    if (slot === undefined) return undefined;
    const row = this.#pods.row(this.#cache.podIndexAt(slot));
    if (row?.address === undefined) return undefined;
    this.#counters.resolves += 1;
    if (this.#observer !== undefined) this.#scope(this.#observer)?.end();
    return targetOf(this.#cache.hitAt(slot, uid), row.incarnation, row.address);
  }

  /** The link whose pod serves the uid; made if there is none. */
  resolve(uid: string, call?: CallOptions): Promise<Link> {
    const observer = this.#observer;
    return observer === undefined ? this.#resolve(uid, call) : this.#observed(observer, uid, call);
  }

  /** The link as it is in the cache, whoever its holder. */
  cached(uid: string): Link | undefined {
    return this.#parts.cache.get(uid);
  }

  /** The cached link, if its pod serves it. */
  hit(uid: string): Link | undefined {
    return this.peek(uid) === undefined ? undefined : this.#parts.cache.getStale(uid, 0);
  }

  /** Reads the link from the store and caches it. Absent: there is none; nothing is made. */
  read(uid: string, call?: CallOptions): Promise<Link | undefined> {
    return this.wait(() => this.#ask(checkUid(uid), () => this.#get(uid)), { ...call, what: "getLinkedPod" });
  }

  /** As {@link read}, but a link that expires counts as none, and is not cached either. */
  readPersistent(uid: string, call?: CallOptions): Promise<Link | undefined> {
    const get = async (): Promise<Link | undefined> => {
      const link = await this.#get(uid);
      return link?.expiresInMs === undefined ? link : undefined;
    };
    const what = "getLinkedPodInCacheOrIfPersist";
    return this.wait(() => this.#ask(checkUid(uid), get), { ...call, what });
  }

  /** Reserves the uid for a pod if it has no link. The link that holds. */
  reserve(op: SetIfAbsentOp, call: CallOptions): Promise<Link> {
    const set = async (): Promise<Link> => (await this.#parts.commands.execute(op)).link;
    const work = (): Promise<Link> => this.#ask(checkLinkOp(op).uid, set);
    return this.wait(work, { ...call, what: "setLinkedPodIfAbsent", outcome: "unknown" });
  }

  /** Caches a link learned elsewhere, unless a newer one is there. Returns what was cached before. */
  set(link: Link): Link | undefined {
    return this.#parts.cache.set(link);
  }

  /** Caches what a pod's 421 said. The very pod that the cached link names is believed against a higher token too. */
  correct(link: Link, byPodIndex: number): void {
    const { cache } = this.#parts;
    cache.set(link, { authoritative: cache.getStale(link.uid, 0)?.podIndex === byPodIndex });
  }

  /** Drops the link from the cache; what is being asked about it now is asked again. */
  forget(uid: string): Link | undefined {
    this.#flights.drop(uid);
    return this.#parts.cache.delete(uid);
  }

  /** Reads the pods anew. */
  refresh(): Promise<void> {
    return this.#parts.routes.cache.refresh({ timeoutMs: this.#parts.options.commandTimeoutMs });
  }

  /** Waits for the work as long as the call allows. */
  wait<T>(work: () => Promise<T>, waited: Waited): Promise<T> {
    const { calls, options } = this.#parts;
    return calls.wait(work, { ...waited, timeoutMs: waited.timeoutMs ?? options.callTimeoutMs });
  }

  /** A hit is one look-up and the promise that is kept with the link. */
  #resolve(uid: string, call: CallOptions | undefined): Promise<Link> {
    this.#counters.resolves += 1;
    const slot = this.#cache.slotOf(uid);
    return slot !== undefined && this.#serves(this.#cache.podIndexAt(slot))
      ? this.#cache.promiseAt(slot, uid)
      : this.#miss(uid, call);
  }

  #miss(uid: string, call: CallOptions | undefined): Promise<Link> {
    const join = (): Promise<Link> => this.#flights.run(checkUid(uid), () => this.#fly(uid));
    return this.wait(join, { ...call, what: "computeLinkedPod", outcome: "unknown" });
  }

  /** Belongs to nobody: no caller's signal ends it. */
  async #fly(uid: string): Promise<Link> {
    this.#parts.counters.flights += 1;
    try {
      return await this.#ask(uid, () => this.#place(uid));
    } catch (error) {
      const stale = isStoreDown(error) ? this.#stale(uid) : undefined;
      if (stale === undefined) throw error;
      return stale;
    }
  }

  async #place(uid: string): Promise<Link> {
    const { namespace, service, routes, placement, options } = this.#parts;
    await routes.cache.ready({ timeoutMs: options.commandTimeoutMs });
    return placement.place({ namespace, service, uid });
  }

  #get(uid: string): Promise<Link | undefined> {
    const { namespace, service, commands } = this.#parts;
    return commands.execute({ kind: "get", namespace, service, uid });
  }

  /**
   * Asks, and caches the answer. Returns the newer of it and what the cache has, if that one's pod serves it: never an older
   * link than a call got before.
   * Forgotten meanwhile, it is asked again: what was read may be what the forgetting caller knows to be wrong.
   */
  async #ask<T extends Link | undefined>(uid: string, ask: () => Promise<T>): Promise<T | Link> {
    const { cache, routes } = this.#parts;
    for (let attempt = 1; ; attempt += 1) {
      const fill = cache.beginFill(uid);
      const link = await ask();
      if (link === undefined) return link;
      await failpoint("before-fill", { uid });
      const taken = fill.set(link);
      const cached = cache.getStale(uid, 0);
      const newer = cached !== undefined && compareTokens(cached.token, link.token) > 0 ? cached : undefined;
      if (newer !== undefined && routes.cache.isAvailable(newer.podIndex)) return newer;
      if (taken || attempt === MAX_ATTEMPTS) return link;
    }
  }

  /** Whether the pod serves its links; while the store is down, as it was seen last. */
  #serves(podIndex: number): boolean {
    return this.#certain.byIndex[podIndex] === true || this.#servesUncertain(podIndex);
  }

  #servesUncertain(podIndex: number): boolean {
    if (!this.#pods.isAvailable(podIndex)) return false;
    return !this.#pods.readingsFail || this.#servesStale(podIndex);
  }

  #servesStale(podIndex: number): boolean {
    const { routes, clock, counters, observer, namespace, service, options } = this.#parts;
    const readAtMs = routes.cache.lastReadingBegunAtMs;
    if (readAtMs === undefined || clock.nowMs() - readAtMs > options.staleWhileDownMs) return false;
    counters.staleServed += 1;
    observer?.event({ kind: "stale-link-served", namespace, service, podIndex });
    return true;
  }

  /** The cached link although its time is over: the store can't be asked for a newer one. */
  #stale(uid: string): Link | undefined {
    const { cache, routes, options } = this.#parts;
    const link = cache.getStale(uid, options.staleWhileDownMs);
    if (link === undefined || !routes.cache.isAvailable(link.podIndex)) return undefined;
    return this.#servesStale(link.podIndex) ? link : undefined;
  }

  async #observed(observer: RouteObserver, uid: string, call: CallOptions | undefined): Promise<Link> {
    const scope = this.#scope(observer);
    try {
      const link = await this.#resolve(uid, call);
      scope?.end();
      return link;
    } catch (error) {
      scope?.end(error);
      throw error;
    }
  }

  #scope(observer: RouteObserver): Scope | undefined {
    const { namespace, service } = this.#parts;
    return observer.start({ name: "resolve", namespace, service });
  }
}
