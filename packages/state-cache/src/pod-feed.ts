import type {
  Clock,
  KnownReading,
  Logger,
  PodDirectory,
  PodEvent,
  PodReading,
  PodRow,
  Subscription,
  Timer,
} from "@podlink/types";
import { RouteError, withDeadline } from "@podlink/types";
import { ChangeQueue } from "./change-queue.ts";
import type { CoarseClock } from "./coarse-clock.ts";
import type { StateCacheSettings } from "./options.ts";
import { supersedes } from "./pod-entry.ts";
import { PodTable } from "./pod-table.ts";
import type { PodChange } from "./pod-view.ts";
import { ReadingLoop } from "./reading-loop.ts";

/** After a gap the pods are read within so long, at a random moment: a store that comes back is not asked by all at once. */
const GAP_SPREAD_MS = 100;
/** So long after the end of a lease, at least and at most twice, a reading confirms it: one for all that end about then. */
const CONFIRM_MS = 10;

export interface PodFeedParts {
  readonly directory: PodDirectory;
  readonly namespace: string;
  readonly service: string;
  readonly clock: Clock;
  readonly coarse: CoarseClock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly settings: StateCacheSettings;
  readonly onChange: (change: PodChange) => void;
  /** Whether it stays from the start. Default false: see {@link PodFeed.stay}. */
  readonly stays?: boolean | undefined;
  /** Called when timers and a subscription begin. */
  readonly onBegin?: (() => void) | undefined;
  /** Called when readings begin to fail, and when they work again. */
  readonly onReadable?: ((works: boolean) => void) | undefined;
}

/** Keeps a table of pods up to date: by readings, pushes, and the passing of time. */
export class PodFeed {
  readonly table: PodTable;
  readonly counts = { readings: 0, readingFailures: 0, rows: 0, pushes: 0, gaps: 0 };
  /** What the newest successful reading said. Absent: no generation, or no reading. */
  known: KnownReading | undefined;
  /** When the first successful reading arrived. */
  knownSinceMs: number | undefined;
  /** When the newest successful reading was begun. */
  lastReadingBegunAtMs: number | undefined;
  #failing = false;
  #validUntilMs: number = Number.NEGATIVE_INFINITY;
  readonly #parts: PodFeedParts;
  readonly #loop: ReadingLoop;
  readonly #changes: ChangeQueue;
  readonly #end = new AbortController();
  /** The newest pushed before the first reading, by pod index. */
  readonly #early = new Map<number, PodRow>();
  #coarseUse: Subscription | undefined;
  #watch: Subscription | undefined;
  /** Until all that is known is too old. */
  #staleTimer: Timer | undefined;
  #shortLeaseTold = false;
  /** Whether it goes on although no pod was ever registered. */
  #stays: boolean;

  constructor(parts: PodFeedParts) {
    this.#parts = parts;
    this.#stays = parts.stays === true;
    const { settings, clock, random } = parts;
    this.#changes = new ChangeQueue(parts.onChange);
    this.table = new PodTable(settings, (change) => this.#changes.add(change));
    const periodMs = settings.stateRefreshMs;
    const { signal } = this.#end;
    this.#loop = new ReadingLoop({ read: () => this.#read(), periodMs, clock, random, signal });
  }

  get closed(): boolean {
    return this.#end.signal.aborted;
  }

  /** Whether the last reading failed. */
  get failing(): boolean {
    return this.#failing;
  }

  /** What is known may be used until then. Infinity: readings work. */
  get validUntilMs(): number {
    return this.#validUntilMs;
  }

  /** Neither timer nor subscription: not begun, at rest, or closed. */
  get resting(): boolean {
    return this.#coarseUse === undefined;
  }

  /** From now on it goes on although no pod was ever registered: somebody wants to hear of the first. */
  stay(): void {
    this.#stays = true;
  }

  /** Subscribes and goes on reading once a first reading was asked for; without a cache neither. Idempotent. */
  begin(): void {
    if (this.closed) return;
    const { coarse, settings, directory, namespace, service } = this.#parts;
    if (this.#coarseUse === undefined) {
      this.#coarseUse = coarse.use();
      this.#parts.onBegin?.();
    }
    if (this.closed || !settings.enabled) return;
    this.#loop.start();
    // Before the first reading, so that no change falls between the two.
    if (settings.push) this.#watch ??= directory.watchPods(namespace, service, (event) => this.#hear(event));
  }

  /** A successful reading that begins after this call; rejects when it fails. */
  next(): Promise<void> {
    return this.#loop.next();
  }

  /** Makes true what has become so by the passing of time. Returns the time. */
  settle(): number {
    const nowMs = this.#parts.coarse.step();
    if (this.#parts.settings.enabled && nowMs >= this.#validUntilMs) {
      this.table.forget(nowMs);
      this.#changes.flush();
    }
    return nowMs;
  }

  close(): void {
    this.#end.abort();
    this.#stop();
    this.#use(this.#failing, Number.NEGATIVE_INFINITY);
  }

  #stop(): void {
    this.#loop.stop();
    this.#watch?.close();
    this.#watch = undefined;
    this.#coarseUse?.close();
    this.#coarseUse = undefined;
    this.#staleTimer?.cancel();
    this.#staleTimer = undefined;
  }

  /** Whether no pod of the service was ever seen, nor is one waited for. */
  #isStranger(): boolean {
    return !this.#stays && this.table.evidence.entries.size === 0;
  }

  /** Of a service that isn't there nothing is kept, however many names are asked for: who asks again begins anew. */
  #rest(nowMs: number): void {
    this.#stop();
    this.knownSinceMs = undefined;
    this.#use(this.#failing, nowMs + this.#parts.settings.stateRefreshMs);
  }

  /** What is known is certain while nothing but news can end it. */
  #use(failing: boolean, validUntilMs: number): void {
    this.#failing = failing;
    this.#validUntilMs = validUntilMs;
    this.table.availability.setCertain(!failing && validUntilMs === Number.POSITIVE_INFINITY);
  }

  async #read(): Promise<void> {
    if (this.resting) this.begin(); // asked for before the reading after which it went to rest
    const begunAtMs = this.#parts.clock.nowMs();
    try {
      const reading = await this.#ask();
      this.#end.signal.throwIfAborted(); // closed between the answer and now: it would be certain for ever
      this.#take(reading, begunAtMs);
    } catch (error) {
      if (this.closed) throw new RouteError("CLOSED", "the state cache was closed", { cause: error });
      this.#failed(RouteError.from(error));
      throw error;
    } finally {
      this.#followUp();
    }
  }

  /** Settles in time whatever the store does. */
  async #ask(): Promise<PodReading> {
    const { directory, namespace, service, settings, clock } = this.#parts;
    const { signal } = this.#end;
    const { commandTimeoutMs: timeoutMs, silenceMs } = settings;
    const known = this.table.evidence.wantsAllRows || this.known === undefined ? undefined : { known: this.known };
    const asked = directory.readPods(namespace, service, { signal, timeoutMs, silenceMs, ...known });
    return withDeadline(asked, { what: `reading the pods of ${this.#name()}`, timeoutMs, signal, clock });
  }

  #take(reading: PodReading, begunAtMs: number): void {
    const arrivedAtMs = this.#parts.coarse.step();
    this.counts.readings += 1;
    this.counts.rows += reading.rows.length;
    this.table.takeReading({ reading, begunAtMs, arrivedAtMs });
    const { generation, sequence } = reading;
    this.known = generation === undefined ? undefined : { generation, sequence };
    this.knownSinceMs ??= arrivedAtMs;
    this.lastReadingBegunAtMs = begunAtMs;
    this.#worked(arrivedAtMs);
    for (const row of this.#early.values()) this.table.takePush(row, arrivedAtMs);
    this.#early.clear();
    for (const row of reading.rows) this.#checkLease(row);
    if (generation === undefined && this.#isStranger()) this.#rest(arrivedAtMs);
  }

  #worked(nowMs: number): void {
    const { settings, logger } = this.#parts;
    const failed = this.#failing;
    this.#use(false, settings.enabled ? Number.POSITIVE_INFINITY : nowMs + settings.stateRefreshMs);
    if (!failed) return;
    logger.info({ service: this.#name() }, "the pods can be read again");
    this.#parts.onReadable?.(true);
  }

  #failed({ code, message }: RouteError): void {
    const { settings, logger, clock } = this.#parts;
    this.counts.readingFailures += 1;
    this.table.readingFailed(clock.nowMs());
    if (this.knownSinceMs === undefined && this.#isStranger()) this.#stop(); // whoever asks again begins anew
    if (this.#failing) return;
    const { readAtMs } = this.table.evidence.liveness;
    const goesStale = readAtMs !== undefined && settings.enabled;
    this.#use(true, goesStale ? readAtMs + settings.staleWhileDownMs : this.#validUntilMs);
    logger.warn({ service: this.#name(), code, error: message }, "the pods can't be read; they stay as seen last");
    this.#parts.onReadable?.(false);
  }

  #hear(event: PodEvent): void {
    if (this.closed) return;
    if (event.kind === "gap") {
      this.counts.gaps += 1;
      this.#loop.soon(this.#parts.random() * GAP_SPREAD_MS);
      return;
    }
    this.counts.pushes += 1;
    if (this.knownSinceMs === undefined) {
      const { row } = event;
      const earlier = this.#early.get(row.podIndex);
      if (earlier === undefined || supersedes(row, earlier)) this.#early.set(row.podIndex, row);
      return;
    }
    this.table.takePush(event.row, this.#parts.coarse.step());
    this.#checkLease(event.row);
    this.#followUp();
  }

  /** After anything was taken over: what is to happen when nothing more is heard, and those who want to hear. */
  #followUp(): void {
    const { settings, clock, random } = this.#parts;
    this.#staleTimer?.cancel();
    this.#staleTimer = undefined;
    if (this.resting) return;
    const nowMs = clock.nowMs();
    if (settings.enabled && this.#validUntilMs < Number.POSITIVE_INFINITY && !this.table.outdated) {
      this.#staleTimer = clock.setTimer(Math.max(0, this.#validUntilMs - nowMs), () => void this.settle());
    }
    const leaseOverAtMs = this.table.evidence.nextEndMs();
    if (leaseOverAtMs < Number.POSITIVE_INFINITY) {
      this.#loop.soon(Math.max(0, leaseOverAtMs - nowMs) + CONFIRM_MS * (1 + random()));
    }
    this.#changes.flush();
  }

  #checkLease({ podIndex, leaseMs }: PodRow): void {
    const { silenceMs, stateRefreshMs, commandTimeoutMs } = this.#parts.settings;
    if (this.#shortLeaseTold || silenceMs + stateRefreshMs + commandTimeoutMs < leaseMs) return;
    this.#shortLeaseTold = true;
    this.#parts.logger.warn(
      { service: this.#name(), podIndex, leaseMs, silenceMs, stateRefreshMs, commandTimeoutMs },
      "a pod's lease is not above silenceMs + stateRefreshMs + commandTimeoutMs: it may look dead while it lives",
    );
  }

  #name(): string {
    return `${this.#parts.namespace}/${this.#parts.service}`;
  }
}
