import { defer } from "@podlink/types";
import { exitNow, later, standStill } from "./acts.ts";
import type { FailpointContext, FailpointOptions } from "./options.ts";
import type { FailpointName } from "./points.ts";
import { isSync } from "./points.ts";
import { Waits } from "./waits.ts";

/** What was asked to happen at a point, from when it was asked until it is ended. */
export interface Failpoint extends Disposable {
  readonly name: FailpointName;
  /** How many calls it has met. */
  readonly hits: number;
  /** How many of them it holds in a pause. */
  readonly paused: number;
  /**
   * Resolves when it has met a call.
   * @param options.hits that many calls, counted from the start. Default 1.
   * @param options.timeoutMs longest wait in milliseconds. Default 10,000.
   * @throws Error when the time is over, or it ends before.
   */
  reached(options?: { readonly hits?: number; readonly timeoutMs?: number }): Promise<void>;
  /** Lets all calls go on that it holds. Those that come later are held again. */
  release(): void;
  /** Meets no call any more, and lets those go on that it holds. Idempotent. */
  end(): void;
}

/** Hears of a call that is met, before anything happens to it. */
export type Announce = (name: FailpointName) => void;

export class Registration implements Failpoint {
  readonly name: FailpointName;
  readonly #options: FailpointOptions;
  readonly #announce: Announce | undefined;
  readonly #onEnd: (ended: Registration) => void;
  readonly #waits: Waits;
  readonly #pauses = new Set<() => void>();
  /** Calls that matter, met or not. */
  #calls = 0;
  #hits = 0;
  #isOver = false;

  constructor(
    name: FailpointName,
    options: FailpointOptions,
    parts: { readonly onEnd: (ended: Registration) => void; readonly announce: Announce | undefined },
  ) {
    this.name = name;
    this.#options = options;
    this.#announce = parts.announce;
    this.#onEnd = parts.onEnd;
    this.#waits = new Waits(name);
  }

  get hits(): number {
    return this.#hits;
  }

  get paused(): number {
    return this.#pauses.size;
  }

  reached(options: { readonly hits?: number; readonly timeoutMs?: number } = {}): Promise<void> {
    return this.#waits.until(options.hits ?? 1, options.timeoutMs ?? 10_000);
  }

  release(): void {
    for (const goOn of this.#pauses) goOn();
  }

  end(): void {
    this.#isOver = true;
    this.#onEnd(this);
    this.#waits.end();
    this.release();
  }

  [Symbol.dispose](): void {
    this.end();
  }

  /** A call comes by. Answers with a promise if it has to wait. @throws what it was asked to throw */
  meet(context: FailpointContext): Promise<void> | undefined {
    const { where, after = 0, times = Infinity } = this.#options;
    if (this.#isOver || this.#hits >= times || where?.(context) === false) return undefined;
    this.#calls += 1;
    if (this.#calls <= after) return undefined;
    this.#hits += 1;
    this.#announce?.(this.name);
    this.#waits.hit(this.#hits);
    return this.#act(context);
  }

  #act(context: FailpointContext): Promise<void> | undefined {
    const options = this.#options;
    if (options.run !== undefined) return this.#run(options.run, context);
    switch (options.action) {
      case "exit":
        return exitNow();
      case "throw":
        throw options.error?.() ?? new Error(`thrown by failpoint ${this.name}`);
      case "pause":
        if (!isSync(this.name)) return this.#pause(options.ms);
        standStill(options.ms);
        return undefined;
    }
  }

  #run(run: (context: FailpointContext) => unknown, context: FailpointContext): Promise<void> | undefined {
    const result = run(context);
    if (!(result instanceof Promise)) return undefined;
    if (!isSync(this.name)) return result as Promise<void>;
    result.catch(() => undefined); // nobody waits for it
    throw new TypeError(`the code of failpoint ${this.name} can't wait: what runs there must not return a promise`);
  }

  #pause(ms: number | undefined): Promise<void> {
    const { promise, resolve } = defer<void>();
    const cancel = ms === undefined ? undefined : later(ms, () => goOn());
    const goOn = (): void => {
      cancel?.();
      this.#pauses.delete(goOn);
      resolve();
    };
    this.#pauses.add(goOn);
    return promise;
  }
}
