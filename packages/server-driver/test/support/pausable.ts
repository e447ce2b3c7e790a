import type { FakeClock } from "@podlink/testkit";
import type { Clock, Store, Timer } from "@podlink/types";
import { defer } from "@podlink/types";

const WATCHES: readonly string[] = ["watchPods", "watchLostLinks", "watchSuccessors", "watchStore"];
const SYNC: readonly string[] = ["health", "epoch", "close"];

/** A process that can be stopped and continued: while it stands still no timer fires, no answer and no push arrives. */
export class PausableProcess {
  readonly #base: FakeClock;
  readonly #offsetMs: number;
  #frozenMs = 0;
  #frozenSinceMs: number | undefined;
  #paused = false;
  #resumed = defer<void>();
  #waiting: (() => void)[] = [];

  constructor(base: FakeClock, offsetMs: number) {
    this.#base = base;
    this.#offsetMs = offsetMs;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** @param suspended the whole machine: its monotonic clock stands still, too. */
  pause(suspended: boolean): void {
    if (this.#paused) return;
    this.#paused = true;
    if (suspended) this.#frozenSinceMs = this.#base.nowMs();
  }

  /**
   * Goes on: the timers that came due fire first, or the answers that came are heard first.
   * @param asked called with the first requests, when all answers are heard and no timer has fired.
   */
  async resume(first: "timers" | "answers" = "timers", asked?: () => void): Promise<void> {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#frozenSinceMs !== undefined) this.#frozenMs += this.#base.nowMs() - this.#frozenSinceMs;
    this.#frozenSinceMs = undefined;
    const { resolve } = this.#resumed;
    this.#resumed = defer();
    if (first === "answers") {
      resolve();
      await this.#base.advance(0);
      asked?.();
    }
    for (const run of this.#waiting.splice(0)) run();
    resolve();
  }

  get clock(): Clock {
    return {
      nowMs: () => {
        const frozenMs = this.#frozenSinceMs === undefined ? 0 : this.#base.nowMs() - this.#frozenSinceMs;
        return this.#base.nowMs() + this.#offsetMs - this.#frozenMs - frozenMs;
      },
      wallMs: () => this.#base.wallMs() + this.#offsetMs,
      setTimer: (delayMs, run) => this.#setTimer(delayMs, run),
    };
  }

  /** The store as this process sees it. */
  through(store: Store): Store {
    return new Proxy(store, {
      get: (target, name: keyof Store) => {
        const method = target[name] as (...args: unknown[]) => unknown;
        if (SYNC.includes(name)) return method.bind(target);
        if (WATCHES.includes(name)) {
          return (...args: unknown[]) => {
            const listener = args.pop() as (event: unknown) => void;
            return method.call(target, ...args, (event: unknown) => this.#soon(() => listener(event)));
          };
        }
        return async (...args: unknown[]) => {
          try {
            return await (method.call(target, ...args) as Promise<unknown>);
          } finally {
            while (this.#paused) await this.#resumed.promise;
          }
        };
      },
    });
  }

  #soon(run: () => void): void {
    if (this.#paused) this.#waiting.push(run);
    else run();
  }

  #setTimer(delayMs: number, run: () => void): Timer {
    let over = false;
    const timer = this.#base.setTimer(delayMs, () =>
      this.#soon(() => {
        if (!over) run();
      }),
    );
    return {
      cancel() {
        over = true;
        timer.cancel();
      },
    };
  }
}
