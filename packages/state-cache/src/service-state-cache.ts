import type {
  CallOptions,
  Clock,
  Figures,
  Logger,
  MetricsSource,
  PodDirectory,
  PodRow,
  Subscription,
} from "@podlink/types";
import {
  checkNamespace,
  checkService,
  Listeners,
  parseOptions,
  silentLogger,
  systemClock,
  withDeadline,
} from "@podlink/types";
import type { CertainPods } from "./availability.ts";
import { CoarseClock } from "./coarse-clock.ts";
import type { StateCacheOptions, StateCacheSettings } from "./options.ts";
import { stateCacheOptions } from "./options.ts";
import { PodFeed } from "./pod-feed.ts";
import { PodSet } from "./pod-set.ts";
import type { PodTable } from "./pod-table.ts";
import type { PodChange, PodPositions, PodView } from "./pod-view.ts";

const NO_PODS: PodPositions = new PodSet();

/** Whose pods, where from, and what the cache runs on. */
export interface StateCachePorts {
  readonly directory: PodDirectory;
  readonly namespace: string;
  readonly service: string;
  readonly clock?: Clock;
  /** Shared with other caches. Absent: one of its own. */
  readonly coarse?: CoarseClock;
  readonly logger?: Logger;
  /** The source of jitter. Default Math.random. */
  readonly random?: () => number;
  /**
   * Whether what {@link ServiceStateCache.refresh} begins goes on as after `init`: also when the first reading fails, and when
   * no pod was ever registered. Default false.
   */
  readonly stays?: boolean;
  /** Called whenever the cache begins to have timers and a subscription, which {@link ServiceStateCache.close} ends. */
  readonly onBegin?: () => void;
  /** Called when the pods can't be read any more, and when they can again. */
  readonly onReadable?: (works: boolean) => void;
}

/**
 * The pods of one service as this caller knows them: fed by published changes and by readings that bring only what
 * changed. Judged by the caller's own clock from the arrival of replies; see 3-semantics, Readings.
 */
export class ServiceStateCache implements MetricsSource {
  readonly namespace: string;
  readonly service: string;
  readonly settings: StateCacheSettings;
  /** The short way to {@link isAvailable}. None while readings fail, without a cache, and once it is closed. */
  readonly certainPods: CertainPods;
  readonly #clock: Clock;
  readonly #coarse: CoarseClock;
  readonly #feed: PodFeed;
  readonly #table: PodTable;
  readonly #listeners: Listeners<PodChange>;
  #staleAnswers = 0;

  /** Nothing runs before {@link init}. @throws RouteError CONFIG, INVALID_ARGUMENT */
  constructor(ports: StateCachePorts, options: StateCacheOptions = {}) {
    const { clock = systemClock, logger = silentLogger, random = Math.random } = ports;
    this.settings = parseOptions(stateCacheOptions, options, "stateCache");
    this.namespace = checkNamespace(ports.namespace);
    this.service = checkService(ports.service);
    this.#clock = clock;
    this.#coarse = ports.coarse ?? new CoarseClock(clock);
    this.#listeners = new Listeners(logger);
    const onChange = (change: PodChange): void => this.#listeners.emit(change);
    this.#feed = new PodFeed({
      ...ports,
      settings: this.settings,
      clock,
      coarse: this.#coarse,
      logger,
      random,
      onChange,
    });
    this.#table = this.#feed.table;
    this.certainPods = this.#table.availability;
  }

  /**
   * Subscribes, reads, and goes on reading. Resolves after the first successful reading, at once when there was one.
   * When the store is down it rejects in time, and the cache goes on trying by itself. Idempotent.
   * @throws RouteError STORE_UNAVAILABLE, TIMEOUT, CANCELLED, CLOSED
   */
  async init(call: CallOptions = {}): Promise<void> {
    this.#feed.stay();
    const isKnown = this.settings.enabled && this.#feed.knownSinceMs !== undefined && !this.#feed.closed;
    if (!isKnown) await this.refresh(call);
  }

  /**
   * Resolves after a successful reading that began after this call; callers that ask at the same time share it. Begins
   * what {@link init} begins, and ends it again when no pod was ever registered and nobody called that.
   * @throws RouteError STORE_UNAVAILABLE, TIMEOUT, CANCELLED, CLOSED
   */
  async refresh(call: CallOptions = {}): Promise<void> {
    this.#feed.begin();
    const reading = this.#feed.next();
    reading.catch(() => undefined); // whoever waits hears of it; with a bad timeoutMs nobody does
    return withDeadline(reading, {
      ...call,
      what: `reading the pods of ${this.namespace}/${this.service}`,
      clock: this.#clock,
    });
  }

  /**
   * Resolves when the synchronous answers may be used: at once while the cache is on and warm (or served stale), else
   * after a reading.
   */
  ready(call: CallOptions = {}): Promise<void> {
    return this.settings.enabled && this.warm ? Promise.resolve() : this.refresh(call);
  }

  /** Ends timers and subscriptions; nothing is available any more. Idempotent. */
  close(): void {
    this.#feed.close();
    this.#listeners.clear();
  }

  /** Whether it has neither timer nor subscription now: not begun, closed, or of a service that isn't there. */
  get resting(): boolean {
    return this.#feed.resting;
  }

  /** Whether what is known may be used. */
  get warm(): boolean {
    return this.#feed.validUntilMs > this.#clock.nowMs();
  }

  /** The generation that the last reading found. Undefined: no pod was ever registered, or there was no reading. */
  get generation(): string | undefined {
    return this.#feed.known?.generation;
  }

  /** Whether a pod was ever registered, as far as is known: the last reading found it, or a row was published since. */
  get isRegistered(): boolean {
    return this.generation !== undefined || this.pods().length > 0;
  }

  /** When the newest successful reading was begun. Undefined: there was none. */
  get lastReadingBegunAtMs(): number | undefined {
    return this.#feed.lastReadingBegunAtMs;
  }

  /** When the first successful reading arrived. Undefined: there was none. */
  get knownSinceMs(): number | undefined {
    return this.#feed.knownSinceMs;
  }

  /** Whether the last reading failed: pods are as they were seen last. */
  get readingsFail(): boolean {
    return this.#feed.failing;
  }

  /** Nobody's liveness gets worse before. Infinity while readings fail. Undefined: they never failed since the first. */
  get frozenUntilMs(): number | undefined {
    if (this.#feed.failing) return Number.POSITIVE_INFINITY;
    const { recoveredAtMs } = this.#table.evidence.liveness;
    return recoveredAtMs === undefined ? undefined : recoveredAtMs + this.#table.evidence.longestLeaseMs;
  }

  /**
   * No owned link may be replaced for silence before: {@link frozenUntilMs}, or one lease after the first reading.
   * Undefined: there was no reading.
   */
  get ownedFrozenUntilMs(): number | undefined {
    if (this.#feed.knownSinceMs === undefined) return undefined;
    return Math.max(
      this.#feed.knownSinceMs + this.#table.evidence.longestLeaseMs,
      this.frozenUntilMs ?? Number.NEGATIVE_INFINITY,
    );
  }

  /** All pods that are known, by pod index; those that said goodbye too. */
  pods(): readonly PodView[] {
    const nowMs = this.#feed.settle();
    return this.#blind(nowMs) ? [] : this.#table.views(nowMs);
  }

  /** One pod. Undefined: it has no row. */
  pod(podIndex: number): PodView | undefined {
    const nowMs = this.#feed.settle();
    return this.#blind(nowMs) ? undefined : this.#table.view(podIndex, nowMs);
  }

  /** The row of one pod, as {@link pod} has it: makes nothing. Undefined: it has none. */
  row(podIndex: number): PodRow | undefined {
    // While nothing but news ends what is known, there is no time to be asked for.
    const isLasting = this.#feed.validUntilMs === Number.POSITIVE_INFINITY;
    return !isLasting && this.#blind(this.#feed.settle()) ? undefined : this.#table.row(podIndex);
  }

  /** Whether the pod keeps its links. Calls no clock, makes no garbage. */
  isAvailable(podIndex: number): boolean {
    if (!this.#table.availability.has(podIndex) || this.#feed.validUntilMs <= this.#coarse.nowMs) return false;
    if (this.#feed.failing) this.#staleAnswers += 1;
    return true;
  }

  /** Whether the pod gets new links. */
  isRoutable(podIndex: number): boolean {
    return this.isAvailable(podIndex) && this.#table.routable.has(podIndex);
  }

  alivePods(): number[] {
    return this.pods().flatMap((pod) => (pod.alive ? [pod.row.podIndex] : []));
  }

  routablePods(): number[] {
    return this.pods().flatMap((pod) => (pod.routable ? [pod.row.podIndex] : []));
  }

  /** The routable pods as arrays: the same object each time, kept up to date. Not to be kept across a wait. */
  routable(): PodPositions {
    return this.#snapshots().routable;
  }

  /** The available pods as arrays: the same object each time, kept up to date. Not to be kept across a wait. */
  available(): PodPositions {
    return this.#snapshots().available;
  }

  /**
   * Calls the listener at every change, in order for each pod; what it throws is logged and harms nobody. A pod that is
   * seen for the first time comes without a previous state.
   */
  onChange(listener: (change: PodChange) => void): Subscription {
    return this.#listeners.add(listener);
  }

  /**
   * The last proof of life of an incarnation, by the caller's own clock; when nothing was ever seen of it: the start of
   * knowing. Undefined: it is newer than the row, or there was no reading.
   */
  silentSinceMs(podIndex: number, incarnation: number): number | undefined {
    if (this.#feed.knownSinceMs === undefined) return undefined;
    return this.#table.evidence.silentSinceMs(podIndex, incarnation, this.#feed.knownSinceMs);
  }

  /**
   * Since when the store is the suspect, because more than half of the pods, at least three, fell silent within one lease:
   * when the lease of the one that made them so many is over, so it may be still to come (Infinity while readings fail).
   * Seen as soon as a reading says that they are silent. Undefined: no panic since those that are silent fell silent.
   */
  panicSinceMs(): number | undefined {
    return this.#table.evidence.panicSinceMs();
  }

  /** Whether there is a {@link panicSinceMs}. */
  panic(): boolean {
    return this.panicSinceMs() !== undefined;
  }

  /** What was counted so far: the part of {@link read} that only grows. */
  counts(): Figures {
    return { ...this.#feed.counts, staleAnswers: this.#staleAnswers };
  }

  read(): Figures {
    const pods = this.pods();
    return {
      ...this.counts(),
      pods: pods.length,
      alive: pods.filter((pod) => pod.alive).length,
      available: this.#table.available.count,
      routable: this.#table.routable.count,
      failing: this.#feed.failing ? 1 : 0,
    };
  }

  /** While nothing but news ends what is known, the coarse time is enough: to ask the clock takes longer than to choose a pod. */
  #snapshots(): { readonly available: PodPositions; readonly routable: PodPositions } {
    const isLasting = this.#feed.validUntilMs === Number.POSITIVE_INFINITY;
    const nowMs = isLasting ? this.#coarse.nowMs : this.#feed.settle();
    if (!isLasting && this.#blind(nowMs)) return { available: NO_PODS, routable: NO_PODS };
    this.#table.warmUp(nowMs);
    return this.#table;
  }

  /** Without a cache, what a reading said is forgotten soon after it. */
  #blind(nowMs: number): boolean {
    return !this.settings.enabled && this.#feed.validUntilMs <= nowMs;
  }
}
