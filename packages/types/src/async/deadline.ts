import type { CallOptions } from "../ports/call-options.ts";
import { DEFAULT_CALL_TIMEOUT_MS } from "../ports/call-options.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import { systemClock } from "../ports/clock.ts";
import type { RouteErrorOutcome } from "../route-error.ts";
import { RouteError } from "../route-error.ts";
import { refuse } from "../values.ts";

export interface DeadlineOptions extends CallOptions {
  /** What is waited for, as it stands in the error's message. */
  readonly what: string;
  /** What is known of its effect when the wait ends early. Absent: it has none. */
  readonly outcome?: RouteErrorOutcome | undefined;
  readonly clock?: Pick<Clock, "setTimer">;
  /**
   * Where what ends the wait with CANCELLED stands while it lasts: a signal for each of thousands of waits would cost more than
   * many of them do. Absent: nowhere.
   */
  readonly endings?: Set<() => void>;
}

/**
 * Waits for `work` until the deadline or the signal, whichever comes first: the result settles in time whatever `work`
 * does. The work itself goes on; what it answers later is dropped.
 * @throws RouteError TIMEOUT or CANCELLED, or whatever the work rejects with; at once INVALID_ARGUMENT for a bad `timeoutMs`.
 */
export function withDeadline<T>(work: Promise<T>, options: DeadlineOptions): Promise<T> {
  const { signal, what, outcome, endings, clock = systemClock } = options;
  const { timeoutMs = DEFAULT_CALL_TIMEOUT_MS } = options;
  // What is left of an outer deadline has fractions: unlike a duration that is stored, a wait may have them.
  if (!(timeoutMs >= 0 && timeoutMs < Infinity)) {
    work.catch(() => undefined); // nobody waits for it any more: its failure is not unhandled
    refuse("timeoutMs", "a number of milliseconds, at least 0", timeoutMs);
  }
  const known = outcome === undefined ? undefined : { outcome };
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer?.cancel();
      signal?.removeEventListener("abort", cancel);
      endings?.delete(cancel);
    };
    const cancel = (): void => {
      end();
      reject(new RouteError("CANCELLED", `${what} was cancelled by its caller`, known));
    };
    let timer: Timer | undefined;
    work.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(error as Error);
      },
    );
    if (signal?.aborted === true) return cancel();
    timer = clock.setTimer(timeoutMs, () => {
      end();
      reject(new RouteError("TIMEOUT", `${what} was not answered within ${timeoutMs} ms`, known));
    });
    signal?.addEventListener("abort", cancel, { once: true });
    endings?.add(cancel);
    return undefined;
  });
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
