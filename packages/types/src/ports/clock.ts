/** A timer that was set. */
export interface Timer {
  /** The timer doesn't fire any more. Idempotent. */
  cancel(): void;
}

/** The only source of time. Leases, deadlines and cache ages use the monotonic one. */
export interface Clock {
  /** Monotonic milliseconds with fractions; the origin has no meaning. */
  nowMs(): number;
  /** Milliseconds since 1970; may step. Only to notice that this machine was suspended, and to show to people. */
  wallMs(): number;
  /** Calls `run` once, not before `delayMs`. Does not keep the process alive. */
  setTimer(delayMs: number, run: () => void): Timer;
}

/** The clock of this process. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(delayMs, run) {
    // Node fires after 1 ms at once when a delay passes 2^31-1: a longer wait is cut, its owner looks again.
    const timer = setTimeout(run, Math.min(delayMs, 2_147_483_647));
    timer.unref();
    return new SystemTimer(timer);
  },
};

class SystemTimer implements Timer {
  readonly #timer: NodeJS.Timeout;

  constructor(timer: NodeJS.Timeout) {
    this.#timer = timer;
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
