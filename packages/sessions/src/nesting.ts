import { AsyncLocalStorage } from "node:async_hooks";

/** One use while it runs. */
interface Running<T> {
  readonly use: T;
  /** False once the use has ended: what it left running behind has no turn any more. */
  active: boolean;
  outer: Running<T> | undefined;
}

/** Knows whether the present code runs inside a use: a use of the same uid in there must not wait for its own turn. */
export class Nesting<T extends { readonly uid: string }> {
  readonly #running = new AsyncLocalStorage<Running<T>>();

  /** The use of the uid that the present code is part of. Absent: none. */
  around(uid: string): T | undefined {
    for (let running = this.#running.getStore(); running !== undefined; running = running.outer) {
      if (running.active && running.use.uid === uid) return running.use;
    }
    return undefined;
  }

  /** Runs `fn` as that use. */
  async run<R>(use: T, fn: () => Promise<R> | R): Promise<R> {
    const running: Running<T> = { use, active: true, outer: withoutEnded(this.#running.getStore()) };
    try {
      return await this.#running.run(running, fn);
    } finally {
      running.active = false;
    }
  }
}

/** Those that have ended are dropped: a chain of uses that each start the next would keep them all. */
function withoutEnded<T>(innermost: Running<T> | undefined): Running<T> | undefined {
  let first = innermost;
  while (first?.active === false) first = first.outer;
  for (let at = first; at !== undefined; at = at.outer) {
    while (at.outer?.active === false) at.outer = at.outer.outer;
  }
  return first;
}
