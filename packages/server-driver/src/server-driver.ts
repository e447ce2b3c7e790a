import type {
  CallOptions,
  Clock,
  Figures,
  Logger,
  MetricsSource,
  PodAddress,
  PodIdentity,
  RemoveResult,
  RouteObserver,
  RoutingState,
  ServiceState,
  SetDone,
  Store,
  Subscription,
  TrySetResult,
} from "@podlink/types";
import {
  checkDurationMs,
  checkPodIndex,
  checkToken,
  checkUid,
  parseOptions,
  silentLogger,
  systemClock,
  withDeadline,
} from "@podlink/types";
import type { Entry, GuardAnswer, GuardRequest } from "./answers.ts";
import { PodContext } from "./context.ts";
import type { HandOff, PeriodEvent, PodState } from "./events.ts";
import type { ServerDriverOptions } from "./options.ts";
import { serverDriverOptions } from "./options.ts";
import type { SettableRoutingState, SettableServiceState } from "./own-state.ts";
import type { Peers } from "./peers.ts";
import { PodLife } from "./pod-life.ts";
import type { PodParts } from "./pod-parts.ts";

export interface ServerDriverDependencies {
  readonly store: Store;
  /**
   * Who the other pods of the service are: a RouteInfoDriver of the same namespace. Followed only while this pod moves users
   * away, or writes the workload state. Not closed by this driver.
   */
  readonly routes: Peers;
  /** Default: the clock of this process. */
  readonly clock?: Clock;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
  /** Absent: nothing is timed, no event is made. */
  readonly observer?: RouteObserver;
}

export interface StopOptions {
  /** Everything ends within this. Default: the option stop.deadlineMs. */
  readonly deadlineMs?: number;
  /** Saves a uid's period before it is moved, beside those of `onHandOff`. */
  readonly handOff?: HandOff;
}

/**
 * A pod's own side: registers the pod and keeps it alive, says for every request whether the pod may serve its uid, and
 * takes it out in an orderly way.
 */
export class ServerDriver implements MetricsSource {
  readonly #life: PodLife;
  readonly #parts: PodParts;

  /** @throws RouteError CONFIG naming each option that breaks its rule. Nothing is started. */
  constructor(dependencies: ServerDriverDependencies, options: ServerDriverOptions) {
    const { store, routes, clock = systemClock, logger = silentLogger, observer } = dependencies;
    const settings = parseOptions(serverDriverOptions, options, "serverDriver");
    const context = new PodContext({ store, clock, logger, observer, settings });
    this.#life = new PodLife(context, routes);
    this.#parts = this.#life.parts;
  }

  /** This life of the pod. Absent: it is not registered yet. */
  get identity(): PodIdentity | undefined {
    return this.#parts.registration.identity;
  }

  /** Where the pod stands, as of now. */
  get state(): PodState {
    return this.#life.state;
  }

  /**
   * Asks the store whether it answers; changes nothing, each time anew. Optional: `start` finds out, too.
   * @throws RouteError of the store
   */
  async init(call: CallOptions = {}): Promise<void> {
    if (call.timeoutMs !== undefined) checkDurationMs(call.timeoutMs, "timeoutMs");
    const { context } = this.#parts;
    const { store, name, clock } = context;
    const asked = context.ask("init", (timeoutMs) =>
      store.workloadStates(name.namespace, [name.service], { timeoutMs }),
    );
    await withDeadline(asked, { ...call, what: "init", clock });
  }

  /**
   * Registers the pod and reports, at once and from then on. With a store that is down it rejects in time and goes on by
   * itself. The pod is Pending until `ready()`.
   * @throws RouteError SUPERSEDED, CLOSED; STORE_UNAVAILABLE, TIMEOUT while the store is down.
   */
  start(call: CallOptions = {}): Promise<void> {
    return this.#life.start(call);
  }

  /** The application takes users from now on. The same as `setServiceState("Ready")`. */
  ready(): void {
    this.setServiceState("Ready");
  }

  /**
   * Drains the pod and says goodbye: for propagationMs all goes on; then every uid is handed off: its requests are held,
   * running ones end, `handOff` saves, its link is moved to another pod, or left for this pod's next life if nobody can
   * take it. Ends within the deadline, whatever the store does. Idempotent; a second call hurries. Never rejects for the
   * store's sake. @throws RouteError INVALID_ARGUMENT
   */
  async stop(options: StopOptions = {}): Promise<void> {
    if (options.deadlineMs !== undefined) checkDurationMs(options.deadlineMs, "deadlineMs");
    if (options.handOff !== undefined) this.#parts.handOffs.onHandOff(options.handOff);
    return this.#life.stop(options.deadlineMs);
  }

  /** Ends at once: no drain, no goodbye; callers wait for the lease to end. After `stop` it does nothing. Idempotent. */
  close(): Promise<void> {
    this.#life.end("stopped");
    return Promise.resolve();
  }

  /** Stops in an orderly way. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * Says how the application is. Failed closes the guard and ends all periods before it is reported.
   * @throws RouteError INVALID_ARGUMENT
   */
  setServiceState(state: SettableServiceState): void {
    if (this.#parts.own.setServiceState(state)) this.#life.changed();
  }

  getServiceState(): ServiceState {
    return this.#parts.own.serviceState;
  }

  /**
   * Says which traffic the pod takes. Shutdown closes the guard and ends all periods before it is reported. While the pod
   * stops, it stays closed to new users whatever is set. @throws RouteError INVALID_ARGUMENT
   */
  setRoutingState(state: SettableRoutingState): void {
    if (this.#parts.own.setRoutingState(state)) this.#life.changed();
  }

  getRoutingState(): RoutingState {
    return this.#parts.own.routingState;
  }

  /** The number by which the application measures its load; lower is lighter; loadCapacity is full. @throws RouteError INVALID_ARGUMENT */
  setLoadState(loadState: number): void {
    if (this.#parts.own.setLoadState(loadState)) this.#life.reportNow();
  }

  getLoadState(): number {
    return this.#parts.own.loadState;
  }

  /** Where callers reach this pod from now on. @throws RouteError INVALID_ARGUMENT */
  setAddress(address: PodAddress): void {
    this.#parts.own.setAddress(address);
    this.#life.reportNow();
  }

  /**
   * Whether this pod may serve the uid now. Held and verified: answered at once, without I/O. Unknown, or asked with a
   * token higher than any before: one claim finds out. Sockets ask for every message.
   * @throws RouteError INVALID_ARGUMENT; CANCELLED when the request's own signal is aborted.
   */
  guard(uid: string, request?: GuardRequest): GuardAnswer | Promise<GuardAnswer> {
    return this.#parts.guard.ask(uid, request);
  }

  /** The same, and the request counts as running until `leave()`: a hand-off waits for it. */
  enter(uid: string, request?: GuardRequest): Entry | Promise<Entry> {
    return this.#parts.guard.enter(uid, request);
  }

  /**
   * The fenced storage has seen a token as high as `tokenFloor`: claims the uid under a higher one, as a new period.
   * @throws RouteError INVALID_ARGUMENT
   */
  async claimAgain(uid: string, tokenFloor: string): Promise<GuardAnswer> {
    checkUid(uid);
    checkToken(tokenFloor, "tokenFloor");
    return this.#parts.claims.claimAbove(uid, tokenFloor);
  }

  /** Takes the link of a uid, whoever holds it: a forced move. @throws RouteError */
  setLinkedPod(uid: string, call?: CallOptions): Promise<SetDone> {
    checkUid(uid);
    return this.#bounded("setLinkedPod", () => this.#parts.links.set(uid), call);
  }

  /** Takes the link of a uid unless another pod's persistent one is there. @throws RouteError */
  trySetLinkedPod(uid: string, call?: CallOptions): Promise<Exclude<TrySetResult, { readonly superseded: true }>> {
    checkUid(uid);
    return this.#bounded("trySetLinkedPod", () => this.#parts.links.trySet(uid), call);
  }

  /**
   * Releases a uid: its period ends at once, its link after `graceMs`, in which the user comes back to this pod.
   * Does nothing to another pod's link. 0: at once. @throws RouteError
   */
  removeLinkedPod(uid: string, graceMs: number, call?: CallOptions): Promise<RemoveResult> {
    return this.removeLinkedPodWithId(uid, this.#parts.context.settings.podIndex, graceMs, call);
  }

  /** The same for whichever pod is named, only while the link names it. @throws RouteError */
  removeLinkedPodWithId(uid: string, podIndex: number, graceMs: number, call?: CallOptions): Promise<RemoveResult> {
    checkUid(uid);
    checkPodIndex(podIndex);
    checkDurationMs(graceMs, "graceMs");
    return this.#bounded("removeLinkedPod", () => this.#parts.links.remove(uid, podIndex, graceMs), call);
  }

  /** How many uids this pod holds. */
  held(): number {
    return this.#parts.table.size;
  }

  /** Whether the uid would be served now without asking the store. */
  isHeld(uid: string): boolean {
    return (
      !this.#parts.authority.isClosed &&
      this.#parts.lease.standing() === "held" &&
      this.#parts.table.held(uid) !== undefined
    );
  }

  /** Hears of every period that begins or ends, in order for each uid. */
  onPeriod(listener: (event: PeriodEvent) => void): Subscription {
    return this.#parts.periodListeners.add(listener);
  }

  /** Saves a period before its link is moved; awaited for at most handOffTimeoutMs. */
  onHandOff(fn: HandOff): Subscription {
    return this.#parts.handOffs.onHandOff(fn);
  }

  /** Hears of every change of phase, states and identity. */
  onState(listener: (state: PodState) => void): Subscription {
    return this.#life.stateListeners.add(listener);
  }

  read(): Figures {
    return {
      ...this.#parts.context.counters,
      held: this.#parts.table.size,
      unverified: this.#parts.table.unverifiedCount,
      doubtful: this.#parts.table.doubtfulCount,
    };
  }

  #bounded<T>(what: string, work: () => Promise<T>, call: CallOptions = {}): Promise<T> {
    if (call.timeoutMs !== undefined) checkDurationMs(call.timeoutMs, "timeoutMs");
    return withDeadline(work(), { ...call, what, outcome: "unknown", clock: this.#parts.context.clock });
  }
}
