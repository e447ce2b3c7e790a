import type { Store } from "@podlink/types";
import type { StoreMethod } from "./faults.ts";

/** Decides which of all that waits goes on next: `fc.scheduler()` of fast-check is one. */
export interface TaskScheduler {
  /** Settles as `task` does, once it was this one's turn. */
  schedule<T>(task: Promise<T>, label?: string): Promise<T>;
}

/** A store whose calls a scheduler carries there and back. */
export interface ScheduledStore {
  /** Hand this to the driver under test. */
  readonly store: Store;
  /**
   * From now on the scheduler decides when each call of these methods is executed, and, once more, when its answer
   * arrives: so calls overtake each other on both ways. Replaces what was held before. Default: all methods.
   */
  hold(methods?: readonly StoreMethod[]): void;
  /** Calls pass at once again. What waits already goes on waiting for the scheduler. */
  flow(): void;
}

const METHODS: readonly StoreMethod[] = [
  "execute",
  "executeAll",
  "podsOf",
  "servicesOf",
  "readPods",
  "register",
  "report",
  "leave",
  "setServiceTag",
  "serviceByTag",
  "setWorkloadState",
  "workloadStates",
];

/**
 * A real store seen through a line on which calls wait for the scheduler; everything passes until `hold`. Pushes are not
 * held. In front of a `faultyStore`, what is let go may still be lost.
 */
export function scheduledStore(real: Store, scheduler: TaskScheduler): ScheduledStore {
  let held: readonly string[] = [];

  async function turn(method: string, label: string): Promise<void> {
    if (held.includes(method)) await scheduler.schedule(Promise.resolve(), label);
  }

  async function carry(method: string, run: () => Promise<unknown>): Promise<unknown> {
    await turn(method, `${method} is executed`);
    try {
      return await run();
    } finally {
      await turn(method, `the answer to ${method} arrives`);
    }
  }

  return {
    store: new Proxy(real, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        const call = (...args: unknown[]): unknown => Reflect.apply(method, target, args);
        if (typeof name === "symbol" || !isHoldable(name)) return call;
        return (...args: unknown[]) => carry(name, () => call(...args) as Promise<unknown>);
      },
    }),
    hold(methods = METHODS) {
      held = methods;
    },
    flow() {
      held = [];
    },
  };
}

function isHoldable(name: string): name is StoreMethod {
  return (METHODS as readonly string[]).includes(name);
}
