import type { Clock, Timer } from "@podlink/types";
import { DEFAULT_CALL_TIMEOUT_MS, keepAliveUntil, systemClock } from "@podlink/types";
import { drainPromises } from "../clock/drain-promises.ts";
import { intercept, isPromise } from "./intercept.ts";
import { LoopLateness } from "./loop-lateness.ts";
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
  /** How long this process had stood still before. */
  readonly latenessMs: number;
  timer?: Timer;
  /** Who waits for its end. */
  waiting?: (() => void)[];
}

/** The lateness of the event loop is not looked at more often. */
const LEAST_PULSE_MS = 5;

/**
 * Holds that every promise settles by its deadline, counted from the call. How long this process itself stood still
 * meanwhile is measured, granted in addition and reported: the timers that should have settled the promise stood still too.
 */
export class DeadlineWatcher implements Watcher {
  readonly invariant = "deadlines";
  readonly #onViolation: WatcherOptions["onViolation"];
  readonly #clock: Clock;
  readonly #slackMs: number;
  readonly #pending = new Set<PendingCall>();
  readonly #lateness: LoopLateness;
  #observed = 0;

  constructor({ onViolation, clock = systemClock, slackMs = 50 }: DeadlineWatcherOptions) {
    this.#onViolation = onViolation;
    this.#clock = clock;
    this.#slackMs = slackMs;
    this.#lateness = new LoopLateness(clock, Math.max(LEAST_PULSE_MS, slackMs / 2));
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
   * @param withinMs by when, from now. @throws RangeError for a bad `withinMs`; whatever the call throws at once: that is settled.
   */
  watch<T>(
    name: string,
    work: Promise<T> | (() => Promise<T>),
    withinMs: number,
    slackMs: number = this.#slackMs,
  ): Promise<T> {
    // Before the call: what it does before it returns is part of its time.
    const call = this.#begin(name, withinMs, slackMs);
    try {
      return this.#follow(call, typeof work === "function" ? work() : work);
    } catch (error) {
      this.#settled(call);
      throw error;
    }
  }

  /** The object with each method that returns a promise watched. */
  through<T extends object>(target: T, options: WatchedMethods = {}): T {
    const { name, withinMs = timeoutOf, slackMs = this.#slackMs } = options;
    return intercept(target, ({ method, args, run }) => {
      const limitMs = withinMs(method, args);
      if (limitMs === undefined) return run();
      return this.#watchAny(name === undefined ? method : `${name}.${method}`, run, limitMs, slackMs);
    });
  }

  /** Resolves when each pending promise has settled or was accused: by the last deadline, by the watcher's clock. */
  whenSettled(): Promise<void> {
    const ends = Array.from(this.#pending, (call) => new Promise<void>((end) => (call.waiting ??= []).push(end)));
    return keepAliveUntil(Promise.all(ends).then(() => undefined));
  }

  #watchAny(name: string, run: () => unknown, withinMs: number, slackMs: number): unknown {
    const call = this.#begin(name, withinMs, slackMs);
    let answer: unknown;
    try {
      answer = run();
    } finally {
      if (!isPromise(answer)) this.#settled(call);
    }
    return isPromise(answer) ? this.#follow(call, answer) : answer;
  }

  #begin(name: string, withinMs: number, slackMs: number): PendingCall {
    if (!(withinMs >= 0 && withinMs < Infinity))
      throw new RangeError(`withinMs of ${name} must be at least 0; got ${withinMs}`);
    this.#lateness.start();
    const startedMs = this.#clock.nowMs();
    const call: PendingCall = { name, withinMs, slackMs, startedMs, latenessMs: this.#lateness.totalMs };
    this.#pending.add(call);
    return call;
  }

  #follow<T>(call: PendingCall, promise: Promise<T>): Promise<T> {
    this.#observed += 1;
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

  /** At its time it is judged, unless this process has stood still since it was expected. */
  #expect(call: PendingCall): void {
    const leftMs = this.#dueMs(call) - this.#clock.nowMs();
    call.timer = this.#clock.setTimer(Math.max(0, leftMs), () => {
      if (this.#clock.nowMs() < this.#dueMs(call)) this.#expect(call);
      else void this.#judge(call);
    });
  }

  #dueMs({ startedMs, withinMs, slackMs, latenessMs }: PendingCall): number {
    return startedMs + withinMs + slackMs + this.#lateness.totalMs - latenessMs;
  }

  async #judge(call: PendingCall): Promise<void> {
    await drainPromises();
    if (!this.#pending.has(call)) return;
    const { name, withinMs, slackMs, startedMs } = call;
    const atMs = this.#clock.nowMs();
    const processLateMs = this.#lateness.totalMs - call.latenessMs;
    this.#settled(call);
    const granted = `slack ${ms(slackMs)}, and ${ms(processLateMs)} in which this process stood still`;
    const message = `${name}: called at ${ms(startedMs)} with a deadline of ${ms(withinMs)}, not settled at ${ms(atMs)} (${granted})`;
    const evidence = { name, startedMs, withinMs, slackMs, pendingAfterMs: atMs - startedMs, processLateMs };
    this.#onViolation({ invariant: "deadlines", atMs, message, evidence });
  }

  #settled(call: PendingCall): void {
    if (!this.#pending.delete(call)) return;
    call.timer?.cancel();
    if (this.#pending.size === 0) this.#lateness.stop();
    for (const end of call.waiting ?? []) end();
  }
}

function timeoutOf(_method: string, args: readonly unknown[]): number {
  const last = args.at(-1);
  const hasTimeout = typeof last === "object" && last !== null && "timeoutMs" in last;
  return hasTimeout && typeof last.timeoutMs === "number" ? last.timeoutMs : DEFAULT_CALL_TIMEOUT_MS;
}
