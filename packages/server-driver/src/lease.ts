import type { Clock, FencedReason, Timer } from "@podlink/types";

/** Both clocks at one moment, noted before a report is sent. */
export interface LeaseMark {
  readonly atMs: number;
  readonly wallMs: number;
}

/**
 * - `held`: callers still take this pod for alive;
 * - `serving`: the lease is over, but the store is down and what is held may go on under its token alone;
 * - `fenced`: nothing may be served before the pod has registered again.
 */
export type Standing = "held" | "serving" | "fenced";

export interface LeaseOptions {
  readonly leaseMs: number;
  readonly leaseMarginMs: number;
  readonly whenStoreDown: "refuse" | "serve";
  readonly staleWhileDownMs: number;
}

export interface LeaseHooks {
  /** Called once each time the lease is found to be over, before the answer that found it. */
  onFenced(): void;
  /** Called once each time the lease is over and what is held is served on. */
  onServing(): void;
}

/**
 * How long this pod may believe that callers take it for alive: up to leaseMs - leaseMarginMs after the moment *before* the
 * last report that was accepted was sent. Judged by the real clocks at every question, never by a timer having fired: a
 * process that was paused wakes up fenced. Once over, it stays over until the pod has registered again.
 */
export class Lease {
  readonly #clock: Clock;
  readonly #options: LeaseOptions;
  readonly #hooks: LeaseHooks;
  #mark: LeaseMark | undefined;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #reportsFail = false;
  #isServing = false;
  #overBecause: FencedReason = "lease-over";
  #timer: Timer | undefined;
  #ranAtMs = 0;
  #ranLate = false;
  #pulse: Timer | undefined;

  constructor(clock: Clock, options: LeaseOptions, hooks: LeaseHooks) {
    this.#clock = clock;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Why it was found to be over; `lease-over` while it is not, and while it is served on without. */
  get overBecause(): FencedReason {
    return this.#overBecause;
  }

  /** To be taken before a report is sent. */
  mark(): LeaseMark {
    return { atMs: this.#clock.nowMs(), wallMs: this.#clock.wallMs() };
  }

  /** The first report of a registration was accepted. */
  begin(mark: LeaseMark): void {
    this.#hold(mark);
    this.#ranAtMs = this.#clock.nowMs();
    if (this.#options.whenStoreDown === "serve") this.#keepPulse();
  }

  /** A report was accepted. False when the lease was over before the answer came: it doesn't count. */
  extend(mark: LeaseMark): boolean {
    if (this.standing() !== "held") return false;
    this.#hold(mark);
    return true;
  }

  /** A report was not answered, or could not be sent. */
  reportFailed(): void {
    this.#reportsFail = true;
  }

  /** The registration is gone: nothing is held until `begin`. Idempotent. */
  end(): void {
    this.#mark = undefined;
    this.#heldUntilMs = Number.NEGATIVE_INFINITY;
    this.#reportsFail = false;
    this.#ranLate = false;
    this.#isServing = false;
    this.#timer?.cancel();
    this.#pulse?.cancel();
  }

  /** Reads both clocks. */
  standing(): Standing {
    const mark = this.#mark;
    if (mark === undefined) return "fenced";
    const nowMs = this.#clock.nowMs();
    // A suspended machine stops the monotonic clock, on some systems, and not the wall clock.
    const wallAheadMs = this.#clock.wallMs() - mark.wallMs - (nowMs - mark.atMs);
    const isAhead = wallAheadMs > this.#options.leaseMarginMs;
    if (!isAhead && nowMs < this.#heldUntilMs) return "held";
    const because = isAhead ? "clock-ahead" : this.#whyNotServed(nowMs, mark);
    if (because === undefined) return this.#serving();
    this.end();
    this.#overBecause = because;
    this.#hooks.onFenced();
    return "fenced";
  }

  #serving(): "serving" {
    if (!this.#isServing) {
      this.#isServing = true;
      this.#hooks.onServing();
    }
    return "serving";
  }

  #hold(mark: LeaseMark): void {
    this.#mark = mark;
    this.#heldUntilMs = mark.atMs + this.#options.leaseMs - this.#options.leaseMarginMs;
    this.#reportsFail = false;
    this.#isServing = false;
    this.#ranLate = false;
    this.#overBecause = "lease-over";
    this.#watch(this.#heldUntilMs - this.#clock.nowMs());
  }

  /** So that signals are aborted when the lease ends, not when somebody asks next. */
  #watch(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(Math.max(0, delayMs), () => {
      const standing = this.standing();
      if (standing === "held") this.#watch(this.#heldUntilMs - this.#clock.nowMs());
      else if (standing === "serving") this.#watch(this.#options.leaseMarginMs);
    });
  }

  /** Why what is held is not served on after the end of the lease. Undefined: it is. */
  #whyNotServed(nowMs: number, mark: LeaseMark): FencedReason | undefined {
    if (this.#options.whenStoreDown === "refuse" || !this.#reportsFail) return "lease-over";
    if (this.#ranLate || nowMs - this.#ranAtMs > this.#options.leaseMarginMs) return "stood-still";
    return nowMs < mark.atMs + this.#options.staleWhileDownMs ? undefined : "stale-too-long";
  }

  /** Notices that this process itself stood still: then it is not (only) the store that is missing. */
  #keepPulse(): void {
    this.#pulse?.cancel();
    this.#pulse = this.#clock.setTimer(this.#options.leaseMarginMs / 4, () => {
      const nowMs = this.#clock.nowMs();
      if (nowMs - this.#ranAtMs > this.#options.leaseMarginMs) this.#ranLate = true;
      this.#ranAtMs = nowMs;
      this.#keepPulse();
    });
  }
}
