import type { Clock, Subscription } from "@podlink/types";
import type { WatchedMethods } from "./deadlines.ts";
import { DeadlineWatcher } from "./deadlines.ts";
import type { Accepted } from "./fenced-writes.ts";
import { FencedWriteWatcher } from "./fenced-writes.ts";
import { GuardWatcher } from "./guards.ts";
import { HandleWatcher } from "./handles.ts";
import { HeapWatcher } from "./heap.ts";
import { HolderWatcher } from "./holders.ts";
import type { WhenQuietOptions } from "./in-flight.ts";
import { InFlightWatcher } from "./in-flight.ts";
import type { Sampling } from "./sampling.ts";
import { sampling } from "./sampling.ts";
import { TokenWatcher } from "./tokens.ts";
import type { Invariant, Violation } from "./violation.ts";
import { InvariantError, ViolationLog } from "./violation-log.ts";
import type { GuardingPod } from "./watched-pod.ts";
import type { WatchInvariantsOptions } from "./watch-options.ts";
import { watchSettings } from "./watch-options.ts";

/** How many observations each watcher has judged. */
export type ObservationCounts = Readonly<Record<Invariant, number>>;

/**
 * All watchers over one run. It watches what it is given: `store`, `pod` and `sessionStore` return what the run is to use
 * instead; each watcher is fed by hand from what other processes say.
 */
export class InvariantWatch implements AsyncDisposable {
  readonly tokens: TokenWatcher;
  readonly holders: HolderWatcher;
  readonly guards: GuardWatcher;
  readonly fencedWrites: FencedWriteWatcher;
  readonly deadlines: DeadlineWatcher;
  readonly inFlight: InFlightWatcher;
  readonly heap: HeapWatcher;
  readonly handles: HandleWatcher;
  readonly #clock: Clock;
  readonly #log: ViolationLog;
  readonly #samplings = new Set<Sampling>();
  readonly #attached = new Set<Subscription>();

  /** @throws RouteError CONFIG naming the option that breaks its rule. */
  constructor(options: WatchInvariantsOptions = {}) {
    const { clock, maxUids, maxViolations, slackMs, figures, sources, excused } = watchSettings(options);
    const log = new ViolationLog(maxViolations);
    const common = { clock, onViolation: (violation: Violation) => log.add(violation) };
    this.#clock = clock;
    this.#log = log;
    this.tokens = new TokenWatcher({ ...common, maxLinks: maxUids });
    this.holders = new HolderWatcher({ ...common, maxUids, excused });
    this.guards = new GuardWatcher({ ...common, maxUids });
    this.fencedWrites = new FencedWriteWatcher({ ...common, maxUids });
    this.deadlines = new DeadlineWatcher({ ...common, slackMs });
    this.inFlight = new InFlightWatcher({ ...common, figures });
    this.heap = new HeapWatcher(common);
    this.handles = new HandleWatcher(common);
    for (const [name, source] of Object.entries(sources)) this.inFlight.add(name, source);
  }

  /** What was found, in order; the first of it, see `maxViolations`. */
  get violations(): readonly Violation[] {
    return this.#log.kept;
  }

  /** How much was found in all. */
  get violationCount(): number {
    return this.#log.count;
  }

  get counts(): ObservationCounts {
    return {
      tokens: this.tokens.observed,
      holders: this.holders.observed,
      guards: this.guards.observed,
      "fenced-writes": this.fencedWrites.observed,
      deadlines: this.deadlines.observed,
      "in-flight": this.inFlight.observed,
      heap: this.heap.observed,
      handles: this.handles.observed,
    };
  }

  /** Hears of each violation when it is found; what the listener throws is dropped. */
  onViolation(listener: (violation: Violation) => void): Subscription {
    return this.#log.onViolation(listener);
  }

  /**
   * @param options.atLeast how many observations each watcher that is expected to see something must have judged.
   * @throws InvariantError with all violations, and the watchers that saw less than that.
   */
  check(options: { readonly atLeast?: Partial<ObservationCounts> } = {}): void {
    this.guards.finish();
    const { counts } = this;
    const unseen = Object.entries(options.atLeast ?? {}).flatMap(([invariant, least]) => {
      if (!Object.hasOwn(counts, invariant)) throw new RangeError(`atLeast.${invariant}: no such watcher`);
      const seen = counts[invariant as Invariant];
      return seen >= least ? [] : [`${invariant}: saw ${seen} observations, expected at least ${least}`];
    });
    if (this.#log.count > 0 || unseen.length > 0) throw new InvariantError(this.#log, unseen);
  }

  /** The promise, or what the call returns; it has to settle `withinMs` from now. */
  deadline<T>(name: string, work: Promise<T> | (() => Promise<T>), withinMs: number, slackMs?: number): Promise<T> {
    return this.deadlines.watch(name, work, withinMs, slackMs);
  }

  /** See {@link InFlightWatcher.whenQuiet}. */
  whenQuiet(options?: WhenQuietOptions): Promise<void> {
    return this.inFlight.whenQuiet(options);
  }

  /**
   * A store (or only its links) whose answers and pushes are watched for tokens, and whose calls for deadlines.
   * @param options.observer who may be behind, for a cache; see {@link TokenObservation}.
   */
  store<T extends object>(store: T, options: WatchedMethods & { readonly observer?: string } = {}): T {
    const { observer, ...methods } = options;
    return this.deadlines.through(this.tokens.through(store, observer), methods);
  }

  /**
   * A pod whose guard and periods are watched: give this one to what asks the guard, and make it before the pod starts.
   * @param options.runs Whether the pod runs now; one that stands still is not asked. Default: always.
   */
  pod<T extends GuardingPod>(pod: T, options: { readonly runs?: () => boolean } = {}): T {
    // Inside: its book knows of a period before anybody is asked about it.
    const guarded = this.guards.through(pod);
    const held = this.holders.through(guarded.pod, options);
    this.#attached.add(guarded).add(held);
    return held.pod;
  }

  /** A fenced storage whose accepted writes are watched, and whose calls for deadlines. */
  sessionStore<T extends object>(storage: T, options: WatchedMethods & { readonly accepted?: Accepted } = {}): T {
    const { accepted, ...methods } = options;
    return this.deadlines.through(this.fencedWrites.through(storage, accepted), methods);
  }

  /** Asks the pods who holds what, and reads what is in flight, again and again until `close`. */
  sampling(options: { readonly everyMs?: number } = {}): Sampling {
    const started = sampling([this.holders, this.inFlight], { ...options, clock: this.#clock });
    this.#samplings.add(started);
    return started;
  }

  /**
   * The run is over: nothing is sampled or heard any more. Resolves when the rounds under way are over and every promise
   * that is watched has settled or was accused, which takes until the last deadline at most. `check` comes after it.
   */
  async close(): Promise<void> {
    for (const attached of this.#attached) attached.close();
    this.#attached.clear();
    await Promise.all(Array.from(this.#samplings, (started) => started.close()));
    this.#samplings.clear();
    await this.deadlines.whenSettled();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Watchers over a run, all reporting to one place. @throws RouteError CONFIG naming the option that breaks its rule. */
export function watchInvariants(options: WatchInvariantsOptions = {}): InvariantWatch {
  return new InvariantWatch(options);
}
