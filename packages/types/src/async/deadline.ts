import type { CallOptions } from "../ports/call-options.ts";
import { DEFAULT_CALL_TIMEOUT_MS } from "../ports/call-options.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import { systemClock } from "../ports/clock.ts";
import type { RouteErrorOutcome } from "../route-error.ts";
import { RouteError } from "../route-error.ts";
import { refuse } from "../values.ts";

/** What ends a wait before its time. */
export interface Ending {
  /** The wait is over, with CANCELLED. */
  cancel(): void;
}

export interface DeadlineOptions extends CallOptions {
  /** What is waited for, as it stands in the error's message. */
  readonly what: string;
  /** What is known of its effect when the wait ends early. Absent: it has none. */
  readonly outcome?: RouteErrorOutcome | undefined;
  readonly clock?: Pick<Clock, "setTimer">;
  /**
   * Where what ends the wait stands while it lasts, for who ends many at once: a signal for each costs more than many a wait.
   * Absent: nowhere.
   */
  readonly endings?: Set<Ending>;
}

/**
 * Waits for `work` until the deadline or the signal, whichever comes first: the result settles in time whatever `work`
 * does. The work itself goes on; what it answers later is dropped.
 * @throws RouteError TIMEOUT or CANCELLED, or whatever the work rejects with; at once INVALID_ARGUMENT for a bad `timeoutMs`.
 */
export function withDeadline<T>(work: Promise<T>, options: DeadlineOptions): Promise<T> {
  const { timeoutMs = DEFAULT_CALL_TIMEOUT_MS } = options;
  // What is left of an outer deadline has fractions: unlike a duration that is stored, a wait may have them.
  if (!(timeoutMs >= 0 && timeoutMs < Infinity)) {
    work.catch(() => undefined); // nobody waits for it any more: its failure is not unhandled
    refuse("timeoutMs", "a number of milliseconds, at least 0", timeoutMs);
  }
  return new Promise((resolve, reject) => {
    const wait = new Wait(options, resolve, reject);
    work.then(
      (value) => wait.succeed(value),
      (error: unknown) => wait.fail(error),
    );
    wait.begin(timeoutMs);
  });
}

/** One wait, and all that can end it. */
class Wait<T> implements Ending {
  readonly #options: DeadlineOptions;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  #timer: Timer | undefined;
  #abort: (() => void) | undefined;

  constructor(options: DeadlineOptions, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(timeoutMs: number): void {
    const { signal, endings, clock = systemClock } = this.#options;
    if (signal?.aborted === true) return this.cancel();
    if (signal !== undefined) {
      this.#abort = () => this.cancel();
      signal.addEventListener("abort", this.#abort, { once: true });
    }
    endings?.add(this);
    this.#timer = clock.setTimer(timeoutMs, () => {
      this.#failEarly("TIMEOUT", `was not answered within ${timeoutMs} ms`);
    });
  }

  succeed(value: T): void {
    this.#end();
    this.#resolve(value);
  }

  fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  cancel(): void {
    this.#failEarly("CANCELLED", "was cancelled by its caller");
  }

  #failEarly(code: "TIMEOUT" | "CANCELLED", how: string): void {
    const { what, outcome } = this.#options;
    this.fail(new RouteError(code, `${what} ${how}`, outcome === undefined ? undefined : { outcome }));
  }

  #end(): void {
    const { signal, endings } = this.#options;
    this.#timer?.cancel();
    if (this.#abort !== undefined) signal?.removeEventListener("abort", this.#abort);
    endings?.delete(this);
  }
}

/** A promise with its two handles. (`Promise.withResolvers` came with Node 22.) */
export function defer<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Resolves after `delayMs`, or at once when the signal is aborted: a wait that never fails. */
export function sleep(
  delayMs: number,
  options: { readonly clock?: Pick<Clock, "setTimer">; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const { clock = systemClock, signal } = options;
  const { promise, resolve } = defer<void>();
  if (signal?.aborted === true) {
    resolve();
    return promise;
  }
  const finish = (): void => {
    timer.cancel();
    signal?.removeEventListener("abort", finish);
    resolve();
  };
  const timer = clock.setTimer(delayMs, finish);
  signal?.addEventListener("abort", finish, { once: true });
  return promise;
}
