import type { Clock, Subscription } from "@podlink/types";
import { defer, RouteError, sleep } from "@podlink/types";

/** The methods of a store that answer with a promise. */
export type StoreMethod =
  | "execute"
  | "executeAll"
  | "podsOf"
  | "servicesOf"
  | "readPods"
  | "register"
  | "report"
  | "leave"
  | "setServiceTag"
  | "serviceByTag"
  | "setWorkloadState"
  | "workloadStates";

/** A call on its way to the store. */
export interface StoreCall {
  readonly method: StoreMethod;
  readonly args: readonly unknown[];
}

/** Runs before a call is executed: may wait; what it throws is what the caller gets, and nothing is executed. */
export type CallHook = (call: StoreCall) => void | Promise<void>;

const NEVER = defer<never>().promise;

type Way = "open" | "cut" | "hanging";

/** What can happen to a call between its caller and the store. One switchboard; the decorated methods all pass it. */
export class Faults {
  readonly #clock: Clock;
  readonly #hooks = new Map<StoreMethod, Set<CallHook>>();
  #way: Way = "open";
  #delayMs = 0;
  #repliesToDrop = 0;
  #requestsToDrop = 0;
  #pushesToDrop = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get way(): Way {
    return this.#way;
  }
  set way(way: Way) {
    this.#way = way;
  }

  dropReplies(count: number): void {
    this.#repliesToDrop = count;
  }

  dropRequests(count: number): void {
    this.#requestsToDrop = count;
  }

  dropPushes(count: number): void {
    this.#pushesToDrop = count;
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  on(method: StoreMethod, hook: CallHook): Subscription {
    const hooks = this.#hooks.get(method) ?? new Set();
    this.#hooks.set(method, hooks.add(hook));
    return { close: () => void hooks.delete(hook) };
  }

  /** Whether a push reaches its listener. */
  letsPushPass(): boolean {
    if (this.#way !== "open") return false;
    if (this.#pushesToDrop === 0) return true;
    this.#pushesToDrop -= 1;
    return false;
  }

  /** Carries a call to the store and its answer back, or doesn't. */
  async pass<T>(call: StoreCall, run: () => Promise<T>): Promise<T> {
    await this.#travel(call.method);
    for (const hook of Array.from(this.#hooks.get(call.method) ?? [])) await hook(call);
    if (this.#delayMs > 0) await sleep(this.#delayMs, { clock: this.#clock });
    await this.#travel(call.method); // cut while it was on its way
    if (this.#requestsToDrop > 0) {
      this.#requestsToDrop -= 1;
      throw lost(call.method);
    }
    const dropped = this.#repliesToDrop > 0;
    if (dropped) this.#repliesToDrop -= 1;
    const answer = await run();
    if (dropped) throw lost(call.method);
    if (this.#way === "hanging") await NEVER;
    return answer;
  }

  async #travel(method: StoreMethod): Promise<void> {
    if (this.#way === "hanging") await NEVER;
    if (this.#way === "cut") {
      throw new RouteError("STORE_UNAVAILABLE", `${method}: the store is cut off`, { outcome: "not-applied" });
    }
  }
}

function lost(method: StoreMethod): RouteError {
  return new RouteError("TIMEOUT", `${method} was not answered in time`, { outcome: "unknown" });
}
