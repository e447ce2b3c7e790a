import type { CallOptions } from "../ports/call-options.ts";
import { DEFAULT_CALL_TIMEOUT_MS } from "../ports/call-options.ts";
import type { Clock } from "../ports/clock.ts";
import { systemClock } from "../ports/clock.ts";
import type { RouteErrorOutcome } from "../route-error.ts";
import { RouteError } from "../route-error.ts";
import { refuse } from "../values.ts";

export interface DeadlineOptions extends CallOptions {
  /** What is waited for, as it stands in the error's message. */
  readonly what: string;
  /** What is known of its effect when the wait ends early. Absent: it has none. */
  readonly outcome?: RouteErrorOutcome;
  readonly clock?: Pick<Clock, "setTimer">;
}

/**
 * Waits for `work` until the deadline or the signal, whichever comes first: the result settles in time whatever `work`
 * does. The work itself goes on; what it answers later is dropped.
 * @throws RouteError TIMEOUT or CANCELLED, or whatever the work rejects with; at once INVALID_ARGUMENT for a bad `timeoutMs`.
 */
export function withDeadline<T>(work: Promise<T>, options: DeadlineOptions): Promise<T> {
  const { signal, what, outcome, clock = systemClock } = options;
  const { timeoutMs = DEFAULT_CALL_TIMEOUT_MS } = options;
  // What is left of an outer deadline has fractions: unlike a duration that is stored, a wait may have them.
  if (!(timeoutMs >= 0 && timeoutMs < Infinity)) {
    work.catch(() => undefined); // nobody waits for it any more: its failure is not unhandled
    refuse("timeoutMs", "a number of milliseconds, at least 0", timeoutMs);
  }
  const known = outcome === undefined ? undefined : { outcome };
  const { promise, resolve, reject } = defer<T>();
  const cancelled = (): void => reject(new RouteError("CANCELLED", `${what} was cancelled by its caller`, known));
  const timer = clock.setTimer(timeoutMs, () => {
    reject(new RouteError("TIMEOUT", `${what} was not answered within ${timeoutMs} ms`, known));
  });
  if (signal?.aborted === true) cancelled();
  else signal?.addEventListener("abort", cancelled, { once: true });
  work.then(resolve, reject);
  const cleanUp = (): void => {
    timer.cancel();
    signal?.removeEventListener("abort", cancelled);
  };
  promise.then(cleanUp, cleanUp);
  return promise;
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
