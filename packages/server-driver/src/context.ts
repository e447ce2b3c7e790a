import type { Clock, Ending, LinkKey, Logger, OperationName, RouteEvent, RouteObserver, Store } from "@podlink/types";
import { RouteError, withDeadline } from "@podlink/types";
import type { ServerDriverSettings } from "./options.ts";

/** What happened so far; only grows. */
export interface Counters {
  claims: number;
  claimsFailed: number;
  reports: number;
  reportsFailed: number;
  registrations: number;
  fenced: number;
  /** Spells without a lease in which what is held was served on: `whenStoreDown: "serve"`. */
  servedWithoutLease: number;
  epochChanges: number;
  /** Periods that began. */
  taken: number;
  /** Those of them that went on from an earlier registration of this process. */
  claimedAgain: number;
  /** Operations answered CORRUPT: what is stored there is not ours to touch. */
  corrupt: number;
  linksLost: number;
  verified: number;
  moved: number;
  left: number;
  handOffsFailed: number;
}

const zeroCounters = (): Counters => ({
  claims: 0,
  claimsFailed: 0,
  reports: 0,
  reportsFailed: 0,
  registrations: 0,
  fenced: 0,
  servedWithoutLease: 0,
  epochChanges: 0,
  taken: 0,
  claimedAgain: 0,
  corrupt: 0,
  linksLost: 0,
  verified: 0,
  moved: 0,
  left: 0,
  handOffsFailed: 0,
});

type EventDetails = RouteEvent extends infer E
  ? E extends RouteEvent
    ? Omit<E, "namespace" | "service" | "podIndex">
    : never
  : never;

/** What every part of the driver works with. */
export class PodContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: ServerDriverSettings;
  readonly counters: Counters = zeroCounters();
  readonly name: { readonly namespace: string; readonly service: string; readonly podIndex: number };
  readonly #observer: RouteObserver | undefined;
  /** What ends each wait for the store. */
  readonly #endings = new Set<Ending>();
  #closed = false;

  constructor(parts: {
    readonly store: Store;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly observer: RouteObserver | undefined;
    readonly settings: ServerDriverSettings;
  }) {
    const { namespace, service, podIndex } = parts.settings;
    this.store = parts.store;
    this.clock = parts.clock;
    this.logger = parts.logger;
    this.settings = parts.settings;
    this.name = { namespace, service, podIndex };
    this.#observer = parts.observer;
  }

  /** Names the link of a uid of this pod's service. */
  linkKey(uid: string): LinkKey {
    return { namespace: this.name.namespace, service: this.name.service, uid };
  }

  /** Waits for the store no longer than commandTimeoutMs, whatever it does. A pod that has ended asks nothing any more. */
  async ask<T>(what: string, call: (timeoutMs: number) => Promise<T>, outcome?: "unknown"): Promise<T> {
    if (this.#closed) throw new RouteError("CANCELLED", `${what}: this pod has ended`, { outcome: "not-applied" });
    const timeoutMs = this.settings.commandTimeoutMs;
    try {
      const answer = withDeadline(call(timeoutMs), {
        what,
        timeoutMs,
        clock: this.clock,
        endings: this.#endings,
        outcome,
      });
      if (this.#closed) this.close(); // by what the call set off at once
      return await answer;
    } catch (error) {
      throw RouteError.from(error);
    }
  }

  /** Nobody waits for the store any more: all that does gets CANCELLED, and no timer is left. */
  close(): void {
    this.#closed = true;
    for (const ending of this.#endings) ending.cancel();
  }

  /** The same, watched as an operation. */
  async watched<T>(name: OperationName, work: () => Promise<T>): Promise<T> {
    const { namespace, service } = this.name;
    const scope = this.#guarded(() => this.#observer?.start({ name, namespace, service }));
    try {
      const result = await work();
      this.#guarded(() => scope?.end());
      return result;
    } catch (error) {
      this.#guarded(() => scope?.end(error));
      throw error;
    }
  }

  /** An operation was answered with this: if it was CORRUPT, whoever watches hears of it. */
  sawError(error: unknown): void {
    if (!RouteError.is(error) || error.code !== "CORRUPT") return;
    this.counters.corrupt += 1;
    this.event({ kind: "corrupt" });
  }

  event(details: EventDetails): void {
    if (this.#observer === undefined) return;
    this.#guarded(() => this.#observer?.event({ ...this.name, ...details }));
  }

  #guarded<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.logger.error({ error: String(error) }, "the observer threw");
      return undefined;
    }
  }
}
