import { AsyncLocalStorage } from "node:async_hooks";
import type { Entered, Granted } from "./answers.ts";
import type { Period } from "./period.ts";

/** The periods as part of which some code runs, innermost first. */
interface Inside {
  readonly period: Period;
  readonly outer: Inside | undefined;
}

/** Counts requests that run, and knows which of them the code that asks belongs to. */
export class Entries {
  readonly #inside = new AsyncLocalStorage<Inside | undefined>();

  /** Whether the calling code runs as part of a request (or a hand-off) of this period. */
  isInside(period: Period): boolean {
    for (let at = this.#inside.getStore(); at !== undefined; at = at.outer) if (at.period === period) return true;
    return false;
  }

  /** Runs `fn`, and all that it starts, as part of the period. */
  runInside<T>(period: Period, fn: () => T): T {
    return this.#inside.run({ period, outer: this.#inside.getStore() }, fn);
  }

  /** Counts a granted request as running until it leaves. */
  enter(period: Period, granted: Granted): Entered {
    let left = false;
    period.enter();
    return {
      ...granted,
      leave: () => {
        if (left) return;
        left = true;
        period.leave();
      },
      run: (fn) => this.runInside(period, fn),
    };
  }
}
