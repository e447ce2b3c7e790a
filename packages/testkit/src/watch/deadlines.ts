import type { Clock, Timer } from "@podlink/types";
import { DEFAULT_CALL_TIMEOUT_MS, keepAliveUntil, systemClock } from "@podlink/types";
import { drainPromises } from "../clock/drain-promises.ts";
import { intercept, isPromise } from "./intercept.ts";
import type { Watcher, WatcherOptions } from "./violation.ts";
import { ms } from "./violation.ts";

export interface DeadlineWatcherOptions extends WatcherOptions {
  /** How much later than its deadline a promise may settle, in milliseconds of an event loop that runs. Default 50. */
  readonly slackMs?: number;
}

export interface WatchedMethods {
  /** What the methods belong to, in messages. Default: nothing. */
  readonly name?: string;
  /**
   * How long a call may take, in milliseconds; undefined: it is not watched. Default: the `timeoutMs` in its last
   * argument, or 1000, the default of every call.
   */
  readonly withinMs?: (method: string, args: readonly unknown[]) => number | undefined;
  /** Default: the watcher's. */
  readonly slackMs?: number;
}

interface PendingCall {
  readonly name: string;
  readonly withinMs: number;
  readonly slackMs: number;
  readonly startedMs: number;
  /** How long this process stood still while it was waited for. */
  lateMs: number;
  timer?: Timer;
  /** Who waits for its end. */
  waiting?: (() => void)[];
}

/**
 * Holds that every promise settles by its deadline, counted from the call. Judged by a timer of this process, which fires
 * after the one that should have settled the promise: when this process itself stood still, that was late, too. What it
 * stood still for longer than the slack is granted again, and reported.
 */
export class DeadlineWatcher implements Watcher {
  readonly invariant = "deadlines";
  readonly #onViolation: WatcherOptions["onViolation"];
  readonly #clock: Clock;
  readonly #slackMs: number;
  readonly #pending = new Set<PendingCall>();
  #observed = 0;

  constructor({ onViolation, clock = systemClock, slackMs = 50 }: DeadlineWatcherOptions) {
    this.#onViolation = onViolation;
    this.#clock = clock;
    this.#slackMs = slackMs;
  }

  get observed(): number {
    return this.#observed;
  }

  /** How many promises have neither settled nor been accused: each at most until its deadline. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * The promise, or what the call returns; it settles as that does.
   * @param withinMs by when, from now. @throws whatever the call throws at once: that is settled.
   */
  watch<T>(
    name: string,
    work: Promise<T> | (() => Promise<T>),
    withinMs: number,
    slackMs: number = this.#slackMs,
  ): Promise<T> {
    // Before the call: what it does before it returns is part of its time.
    const startedMs = this.#clock.nowMs();
    const promise = typeof work === "function" ? work() : work;
    return this.#follow(promise, { name, withinMs, slackMs, startedMs, lateMs: 0 });
  }

  /** The object with each method that returns a promise watched. */
  through<T extends object>(target: T, options: WatchedMethods = {}): T {
    const { name, withinMs = timeoutOf, slackMs = this.#slackMs } = options;
    return intercept(target, ({ method, args, run }) => {
      const limitMs = withinMs(method, args);
      if (limitMs === undefined) return run();
      const startedMs = this.#clock.nowMs();
      const answer = run();
      if (!isPromise(answer)) return answer;
      const shown = name === undefined ? method : `${name}.${method}`;
      return this.#follow(answer, { name: shown, withinMs: limitMs, slackMs, startedMs, lateMs: 0 });
    });
  }

  /** Resolves when each pending promise has settled or was accused: by the last deadline, by the watcher's clock. */
  whenSettled(): Promise<void> {
    const ends = Array.from(this.#pending, (call) => new Promise<void>((end) => (call.waiting ??= []).push(end)));
    return keepAliveUntil(Promise.all(ends).then(() => undefined));
  }

  #follow<T>(promise: Promise<T>, call: PendingCall): Promise<T> {
    this.#observed += 1;
    this.#pending.add(call);
    this.#expect(call);
    // The promise that is returned is the one that is handled or not: a rejection that nobody heard stays one.
    return promise.then(
      (value) => {
        this.#settled(call);
        return value;
      },
      (error: unknown) => {
        this.#settled(call);
        throw error;
      },
    );
  }

  #expect(call: PendingCall): void {
    const dueMs = call.startedMs + call.withinMs + call.slackMs + call.lateMs;
    const delayMs = Math.max(0, dueMs - this.#clock.nowMs());
    call.timer = this.#clock.setTimer(delayMs, () => {
      const lateMs = this.#clock.nowMs() - dueMs;
      if (lateMs > call.slackMs) {
        // This process stood still, and so did the timers that should have settled it.
        call.lateMs += lateMs;
        this.#expect(call);
      } else void this.#judge(call);
    });
  }

  async #judge(call: PendingCall): Promise<void> {
    await drainPromises();
    if (!this.#pending.has(call)) return;
    this.#settled(call);
    const { name, withinMs, slackMs, startedMs, lateMs } = call;
    const atMs = this.#clock.nowMs();
    const late = lateMs > 0 ? `, ${ms(lateMs)} of it granted since this process stood still` : "";
    const message = `${name}: called at ${ms(startedMs)} with a deadline of ${ms(withinMs)}, and not settled at ${ms(atMs)} (slack ${ms(slackMs)}${late})`;
    const evidence = { name, startedMs, withinMs, slackMs, pendingAfterMs: atMs - startedMs, processLateMs: lateMs };
    this.#onViolation({ invariant: "deadlines", atMs, message, evidence });
  }

  #settled(call: PendingCall): void {
    if (!this.#pending.delete(call)) return;
    call.timer?.cancel();
    for (const end of call.waiting ?? []) end();
  }
}

function timeoutOf(_method: string, args: readonly unknown[]): number {
  const last = args.at(-1);
  const hasTimeout = typeof last === "object" && last !== null && "timeoutMs" in last;
  return hasTimeout && typeof last.timeoutMs === "number" ? last.timeoutMs : DEFAULT_CALL_TIMEOUT_MS;
}
