import type { EpochChange, HeartbeatResult, PodReport, RegistrationLoss, Timer } from "@podlink/types";
import { defer, RouteError } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { PodContext } from "./context.ts";
import type { Lease } from "./lease.ts";
import type { Registration } from "./registration.ts";

export interface HeartbeatHooks {
  /** What the pod says of itself now. */
  report(): PodReport;
  /** The registration is gone or about to be replaced: nothing that was claimed under it counts. */
  onLost(reason: RegistrationLoss): void;
  /** The store answers with other data, or may. Called once between two registrations. */
  onEpochChanged(because: EpochChange): void;
  /** A report was accepted within the lease. @param writesWorkload whether this pod writes the workload state now. */
  onAccepted(writesWorkload: boolean): void;
  /** A newer life of this pod is there. */
  onSuperseded(): void;
}

/** The most registrations in one beat: one that is gone at once waits for the next beat. */
const ROUNDS_PER_BEAT = 2;

/** Registers and reports, one beat after the other, until it is stopped. */
export class Heartbeat {
  readonly #context: PodContext;
  readonly #registration: Registration;
  readonly #lease: Lease;
  readonly #hooks: HeartbeatHooks;
  #reportNumber = 0;
  #mustRegister = true;
  /** Why, for those who watch. */
  #because: "start" | RegistrationLoss = "start";
  /** Registered, and no report accepted since: the lease begins with the first. */
  #fresh = false;
  /** Another life of the store was told of since the last registration. */
  #epochTold = false;
  #stopped = false;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: Timer | undefined;
  #lastError: RouteError | undefined;

  constructor(context: PodContext, registration: Registration, lease: Lease, hooks: HeartbeatHooks) {
    this.#context = context;
    this.#registration = registration;
    this.#lease = lease;
    this.#hooks = hooks;
  }

  /** What the last beat failed with. Absent: it was answered. */
  get lastError(): RouteError | undefined {
    return this.#lastError;
  }

  /** Whether the pod has to register before anything it claims counts. */
  get mustRegister(): boolean {
    return this.#mustRegister;
  }

  /** A beat that begins after this call; resolves when it is over, however it ended. Calls meanwhile share the next one. */
  beat(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    if (this.#current === undefined) return this.#begin();
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      return this.#stopped ? undefined : (this.#current ?? this.#begin());
    });
    return this.#next;
  }

  /**
   * The present registration doesn't count any more: registers again at once. Idempotent until it has; a change of epoch is
   * told all the same, for whoever lost the lease while the store was away is to see that it came back as another.
   */
  lose(reason: RegistrationLoss): void {
    if (this.#stopped) return;
    if (this.#mustRegister) return this.#tellEpochChange(reason);
    this.#forget(reason);
    void this.beat();
  }

  /** No beat begins after this; resolves when the one under way is over. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    return this.#current ?? Promise.resolve();
  }

  /** One last report, beside the beats, after `stop`. */
  async reportOnce(): Promise<void> {
    if (this.#registration.identity !== undefined) await this.#send(this.#registration.identity.incarnation);
  }

  #begin(): Promise<void> {
    // There before it runs: a beat that finds its lease over asks for one.
    const { promise, resolve } = defer<void>();
    this.#current = promise;
    void this.#run().then(() => {
      this.#current = undefined;
      resolve();
    });
    return promise;
  }

  async #run(): Promise<void> {
    this.#timer?.cancel();
    const begunAtMs = this.#context.clock.nowMs();
    try {
      for (let round = 0; round < ROUNDS_PER_BEAT && !this.#stopped; round += 1) {
        if (this.#mustRegister || (!this.#fresh && this.#lease.standing() !== "held")) await this.#register();
        if (!this.#stopped) await this.#report();
        if (!this.#mustRegister) break;
      }
      if (this.#lastError !== undefined) this.#tellStore(true);
      this.#lastError = undefined;
    } catch (error) {
      if (this.#lastError === undefined) this.#tellStore(false);
      this.#lastError = RouteError.from(error);
      this.#lease.reportFailed();
      this.#context.counters.reportsFailed += 1;
      this.#context.logger.warn({ code: this.#lastError.code, error: this.#lastError.message }, "a report failed");
    }
    if (!this.#stopped) this.#schedule(begunAtMs);
  }

  #tellStore(answers: boolean): void {
    this.#context.event({ kind: "store", answers, seenBy: "reports" });
  }

  #schedule(begunAtMs: number): void {
    const { clock, settings } = this.#context;
    // After a failure not all pods come back in the same moment.
    const jitter = this.#lastError === undefined ? 1 : 0.5 + Math.random() / 2;
    const intervalMs = settings.heartbeatIntervalMs * jitter - (clock.nowMs() - begunAtMs);
    const { claimAfterMs } = this.#registration;
    const delayMs = claimAfterMs > 0 ? Math.min(intervalMs, claimAfterMs) : intervalMs;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(Math.max(1, delayMs), () => void this.beat());
  }

  async #register(): Promise<void> {
    const outcome = await this.#registration.register(
      () => this.#hooks.report(),
      (wasGone) => {
        // Served on without a lease until now: the periods of the incarnation before end here.
        if (!this.#mustRegister) this.#forget("fenced");
        if (wasGone) this.#tellEpochChange("gone");
      },
    );
    if (this.#stopped) return;
    if (outcome === "superseded") return this.#superseded();
    this.#mustRegister = false;
    this.#epochTold = false;
    this.#fresh = true;
    this.#context.counters.registrations += 1;
    const incarnation = this.#registration.identity?.incarnation ?? 0;
    this.#context.event({ kind: "registered", incarnation, because: this.#because });
    this.#context.logger.info({ ...this.#context.name, incarnation }, "registered");
    return undefined;
  }

  async #report(): Promise<void> {
    const incarnation = this.#registration.identity?.incarnation;
    if (incarnation === undefined) return;
    const mark = this.#lease.mark();
    await failpoint("before-report", { incarnation });
    const result = await this.#context.watched("report", () => this.#send(incarnation));
    await failpoint("after-report", { incarnation });
    // Lost meanwhile: whatever this says is of the past.
    if (this.#stopped || this.#mustRegister) return;
    if (!result.accepted) return this.#refused(result.reason);
    if (result.generation !== this.#registration.generation) return this.#forget("generation");
    if (this.#fresh) {
      this.#fresh = false;
      this.#lease.begin(mark);
    } else if (!this.#lease.extend(mark)) {
      return undefined; // too late: the lease was over before the answer came
    }
    if (this.#lease.standing() === "held") this.#hooks.onAccepted(result.writesWorkload);
    return undefined;
  }

  #send(incarnation: number): Promise<HeartbeatResult> {
    const { store, counters } = this.#context;
    const { namespace, service, podIndex } = this.#context.name;
    const { life } = this.#registration;
    const reportNumber = (this.#reportNumber += 1);
    counters.reports += 1;
    const report = this.#hooks.report();
    const heartbeat = { namespace, service, podIndex, incarnation, life, reportNumber, report };
    return this.#context.ask("a report", (timeoutMs) => store.report(heartbeat, { timeoutMs }));
  }

  #refused(reason: "gone" | "superseded" | "ignored"): void {
    if (reason === "gone") this.#forget("gone");
    else if (reason === "superseded") this.#superseded();
  }

  #superseded(): void {
    void this.stop();
    this.#lease.end();
    this.#hooks.onSuperseded();
  }

  #forget(reason: RegistrationLoss): void {
    this.#mustRegister = true;
    this.#because = reason;
    this.#fresh = false;
    this.#lease.end();
    this.#hooks.onLost(reason);
    this.#tellEpochChange(reason);
  }

  #tellEpochChange(reason: RegistrationLoss): void {
    // Who was never registered has lost nothing.
    if (!isEpochChange(reason) || this.#epochTold || this.#registration.identity === undefined) return;
    this.#epochTold = true;
    this.#hooks.onEpochChanged(reason);
  }
}

const isEpochChange = (reason: RegistrationLoss): reason is EpochChange =>
  reason === "epoch" || reason === "generation" || reason === "gone";
