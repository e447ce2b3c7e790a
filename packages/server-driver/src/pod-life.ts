import type {
  CallOptions,
  EpochChange,
  LostLink,
  RegistrationLoss,
  Subscription,
  Successor,
  Superseded,
} from "@podlink/types";
import { keepAliveUntil, Listeners, RouteError, withDeadline } from "@podlink/types";
import type { GuardAnswer } from "./answers.ts";
import { refusal } from "./answers.ts";
import type { PodContext } from "./context.ts";
import type { PeriodEvent, PodPhase, PodState } from "./events.ts";
import { sayGoodbye } from "./farewell.ts";
import type { Peers } from "./peers.ts";
import type { PodParts, Reactions } from "./pod-parts.ts";
import { makeParts } from "./pod-parts.ts";
import { TimeLimit } from "./time-limit.ts";

/** A pod from its start to its end, and what it does about what its parts tell it. */
export class PodLife implements Reactions {
  readonly parts: PodParts;
  readonly stateListeners: Listeners<PodState>;
  #phase: "idle" | "started" | "draining" | "stopped" | "superseded" = "idle";
  #subscriptions: Subscription[] = [];
  #stopping: Promise<void> | undefined;
  /** All of a stop is over by then. */
  readonly #stopLimit: TimeLimit;
  #told: PodState | undefined;

  constructor(context: PodContext, peers: Peers) {
    this.parts = makeParts(context, peers, this);
    this.stateListeners = new Listeners(context.logger);
    this.#stopLimit = new TimeLimit(context.clock);
  }

  get state(): PodState {
    const { own, registration } = this.parts;
    const { serviceState, routingState } = own;
    const { identity } = registration;
    const phase = this.#podPhase();
    return Object.freeze({ phase, serviceState, routingState, ...(identity === undefined ? undefined : { identity }) });
  }

  /** @throws RouteError SUPERSEDED, CLOSED, or of the store; then it goes on by itself. */
  async start(call: CallOptions): Promise<void> {
    const { heartbeat, context } = this.parts;
    if (this.#phase === "stopped") throw stopped();
    if (this.#phase === "idle") this.#begin();
    // One beat is up to four questions to the store.
    const timeoutMs = call.timeoutMs ?? 5 * context.settings.commandTimeoutMs;
    await withDeadline(heartbeat.beat(), { ...call, what: "start", timeoutMs, clock: context.clock });
    if (this.state.phase === "superseded") throw new RouteError("SUPERSEDED", "a newer life of this pod is there");
    if (this.#phase !== "started") throw stopped();
    if (heartbeat.lastError !== undefined) throw heartbeat.lastError;
  }

  /** The second call hurries the first. */
  stop(deadlineMs: number | undefined): Promise<void> {
    const { stop, handOffTimeoutMs, commandTimeoutMs } = this.parts.context.settings;
    if (this.#stopping === undefined) {
      this.#stopping = keepAliveUntil(this.#stop(deadlineMs ?? stop.deadlineMs));
    } else {
      const hurriedMs = deadlineMs ?? handOffTimeoutMs + 2 * commandTimeoutMs;
      this.parts.drain.hurry(this.#drainMs(hurriedMs));
      this.#stopLimit.within(hurriedMs);
    }
    return this.#stopping;
  }

  /** Nothing of the pod stays: no timer, no subscription, nobody waiting. Idempotent. */
  end(phase: "stopped" | "superseded"): void {
    if (this.#phase === "stopped" || this.#phase === "superseded") return;
    this.#phase = phase;
    const { parts } = this;
    parts.authority.close();
    parts.table.endAll(phase);
    parts.drain.end();
    this.#stopLimit.end();
    parts.handOffs.stop();
    parts.notReady.end();
    parts.verification.stop();
    parts.sweep.stop();
    void parts.heartbeat.stop();
    parts.lease.end();
    parts.others.rest();
    for (const subscription of this.#subscriptions) subscription.close();
    parts.context.close();
    this.#announce();
  }

  /** The application said something else of the pod. Failed and Shutdown take effect before they are reported. */
  changed(): void {
    const { own, authority, table, notReady, heartbeat } = this.parts;
    // Callers were free to replace its links: what it claims from now on has new tokens, which they haven't seen.
    if (authority.isShut && !own.isShut) heartbeat.lose("reopened");
    authority.setShut(own.isShut);
    if (own.isShut) table.endAll("stopped");
    if (own.serviceState === "Ready") notReady.end();
    else if (this.#phase === "started") notReady.begin();
    this.#announce();
    this.reportNow();
  }

  reportNow(): void {
    if (this.#phase === "started" || this.#phase === "draining") void this.parts.heartbeat.beat();
  }

  onLost(reason: RegistrationLoss): void {
    const { context, table, lease, workload } = this.parts;
    context.logger.warn({ ...context.name, reason }, "the registration is gone; registering again");
    if (reason === "fenced") {
      context.counters.fenced += 1;
      context.event({ kind: "fenced", because: lease.overBecause });
    }
    table.unverifyAll();
    workload.forget();
    this.#announce();
  }

  onEpochChanged(because: EpochChange): void {
    const { context } = this.parts;
    context.counters.epochChanges += 1;
    context.event({ kind: "epoch-changed", because });
  }

  onServing(): void {
    const { context } = this.parts;
    context.counters.servedWithoutLease += 1;
    context.event({ kind: "serving-without-lease" });
    context.logger.warn(
      { ...context.name },
      "the store is down and the lease over: held uids are served by their tokens alone",
    );
  }

  onAccepted(writesWorkload: boolean): void {
    const { authority, table, sweep, own, workload, registration, others, notReady } = this.parts;
    const mayClaim = authority.refusesClaims() === undefined;
    if (mayClaim && table.unverifiedCount > 0 && !sweep.isRunning) void sweep.run();
    const ready = own.serviceState === "Ready" && registration.claimAfterMs === 0;
    if (writesWorkload) void workload.write(ready && own.routingState !== "Shutdown");
    else if (this.#phase === "started" && !notReady.isActive) others.rest();
    this.#announce();
  }

  onSuperseded(): void {
    if (this.#phase === "stopped" || this.#phase === "superseded") return;
    const { context } = this.parts;
    context.event({ kind: "superseded" });
    context.logger.error({ ...context.name }, "a newer life of this pod is there; this one stops for good");
    this.end("superseded");
  }

  /** A link names a higher incarnation of this pod: is there one, or is it left from data that the rows don't know? */
  onClaimSuperseded({ link }: Superseded): void {
    const { registration, heartbeat } = this.parts;
    void this.confirm().then((known) => {
      if (!known) return;
      registration.raiseFloor(link.incarnation ?? 0);
      heartbeat.lose("superseded-claim");
    });
  }

  async onUnknown(uid: string): Promise<GuardAnswer> {
    const { own, notReady, redirect, claims, context } = this.parts;
    if (own.serviceState === "Pending") {
      return refusal("unavailable", { retryAfterMs: context.settings.heartbeatIntervalMs });
    }
    const goingOut = this.#phase === "draining" || notReady.isActive;
    return goingOut ? redirect.point(uid) : claims.claim(uid);
  }

  async confirm(): Promise<boolean> {
    const { authority, heartbeat } = this.parts;
    const { incarnation } = authority;
    await heartbeat.beat();
    const answered = heartbeat.lastError === undefined && !authority.isClosed;
    return answered && incarnation !== undefined && authority.incarnation === incarnation;
  }

  #begin(): void {
    const { context, heartbeat, own, notReady, verification, periodListeners } = this.parts;
    const { store, name } = context;
    const { namespace, service, podIndex } = name;
    this.#phase = "started";
    this.#subscriptions = [
      store.watchSuccessors(namespace, service, podIndex, (successor) => this.#sawSuccessor(successor)),
      store.watchLostLinks(namespace, service, podIndex, (lost) => this.#lostLink(lost)),
      store.watchStore((event) => {
        if (event.kind === "epoch") heartbeat.lose("epoch");
      }),
      periodListeners.add((event) => this.#count(event)),
    ];
    if (own.serviceState !== "Ready") notReady.begin();
    verification.start();
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { own, notReady, drain, heartbeat, table, others } = this.parts;
    if (this.#phase === "started") {
      this.#phase = "draining";
      own.wayOut = "draining";
      notReady.end();
      this.#announce();
      this.#stopLimit.within(deadlineMs);
      if (table.size > 0) void others.exist(); // known when the news has travelled
      await drain.run(this.#drainMs(deadlineMs), () => heartbeat.beat());
      if (this.state.phase === "draining") await this.#leave();
    }
    this.end("stopped");
  }

  /** The goodbye needs a little of the time. */
  #drainMs(deadlineMs: number): number {
    return deadlineMs - Math.min(2 * this.parts.context.settings.commandTimeoutMs, deadlineMs / 4);
  }

  /** The guard closes, then Shutdown is published, then goodbye is said. */
  async #leave(): Promise<void> {
    const { context, authority, table, handOffs, own, heartbeat, registration } = this.parts;
    const links = table.size;
    authority.close();
    table.endAll("stopped");
    handOffs.stop();
    own.wayOut = "leaving";
    await sayGoodbye(context, registration, heartbeat, this.#stopLimit);
    context.event({ kind: "drain", phase: "ended", links });
  }

  #sawSuccessor({ life, incarnation }: Successor): void {
    const { registration } = this.parts;
    const own = registration.identity?.incarnation;
    if (own !== undefined && incarnation > own && life !== registration.life) this.onSuperseded();
  }

  #lostLink({ uid, link }: LostLink): void {
    const { mutations, table } = this.parts;
    mutations.lost(link);
    const period = table.held(uid);
    if (period !== undefined && Number(link.token) > Number(period.link.token)) table.end(uid, "lost", link);
  }

  #count(event: PeriodEvent): void {
    const { context } = this.parts;
    if (event.kind === "taken") {
      const again = event.again === true;
      context.counters.taken += 1;
      if (again) context.counters.claimedAgain += 1;
      context.event({ kind: "link-taken", again });
    } else if (event.reason === "lost") {
      context.counters.linksLost += 1;
      context.event({ kind: "link-lost" });
    }
  }

  #podPhase(): PodPhase {
    const { registration, lease } = this.parts;
    if (this.#phase !== "started") return this.#phase;
    if (registration.identity === undefined) return "starting";
    if (lease.standing() === "fenced") return "fenced";
    return registration.claimAfterMs > 0 ? "waiting" : "running";
  }

  #announce(): void {
    const state = this.state;
    const told = this.#told;
    this.#told = state;
    const same =
      told !== undefined &&
      told.phase === state.phase &&
      told.serviceState === state.serviceState &&
      told.routingState === state.routingState &&
      told.identity === state.identity;
    if (!same) this.stateListeners.emit(state);
  }
}

function stopped(): RouteError {
  return new RouteError("CLOSED", "this pod was stopped", { outcome: "not-applied" });
}
