import { AsyncLocalStorage } from "node:async_hooks";
import type { Entered, Granted } from "./answers.ts";
import type { Period } from "./period.ts";

/** A request, or a save, that some code runs as part of. */
interface Part {
  readonly period: Period;
  /** False once it is over: what it left running behind is no part of it any more. */
  active: boolean;
}

/** The parts that some code runs in, innermost first. */
interface Inside {
  readonly part: Part;
  outer: Inside | undefined;
}

/** Counts requests that run, and knows which of them the code that asks belongs to. */
export class Entries {
  readonly #inside = new AsyncLocalStorage<Inside | undefined>();

  /** Whether the calling code runs as part of a request (or a hand-off) of this period that is not over. */
  isInside(period: Period): boolean {
    for (let at = this.#inside.getStore(); at !== undefined; at = at.outer) {
      if (at.part.active && at.part.period === period) return true;
    }
    return false;
  }

  /** Runs `fn`, and all that it starts, as part of the period, until what it returns has settled. */
  async runInside(period: Period, fn: () => Promise<void>): Promise<void> {
    const part = { period, active: true };
    try {
      await this.#run(part, fn);
    } finally {
      part.active = false;
    }
  }

  /** Counts a granted request as running until it leaves. */
  enter(period: Period, granted: Granted): Entered {
    const part = { period, active: true };
    period.enter();
    return {
      ...granted,
      leave: () => {
        if (!part.active) return;
        part.active = false;
        period.leave();
      },
      run: (fn) => this.#run(part, fn),
    };
  }

  #run<T>(part: Part, fn: () => T): T {
    return this.#inside.run({ part, outer: withoutEnded(this.#inside.getStore()) }, fn);
  }
}

/** Those that are over are dropped: requests that each start the next would keep them all. */
function withoutEnded(inside: Inside | undefined): Inside | undefined {
  let first = inside;
  while (first?.part.active === false) first = first.outer;
  for (let at = first; at !== undefined; at = at.outer) {
    while (at.outer?.part.active === false) at.outer = at.outer.outer;
  }
  return first;
}
