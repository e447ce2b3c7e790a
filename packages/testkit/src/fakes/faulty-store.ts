import type { Answer, Clock, LinkOpKind, LinkOp, PodEvent, Store, StoreEvent, Subscription } from "@podlink/types";
import { Listeners, RouteError, systemClock } from "@podlink/types";
import type { CallHook, StoreMethod } from "./faults.ts";
import { Faults } from "./faults.ts";

/** A real store seen through a line that a test can disturb. Closing the decorated store closes the real one. */
export interface FaultyStore<S extends Store = Store> {
  /** Hand this to the driver under test. */
  readonly store: Store;
  /** The store behind, undisturbed: for the test's own looks. */
  readonly real: S;
  /** How many calls of each method reached the line, counted as they are made. */
  readonly calls: Readonly<Record<StoreMethod, number>>;
  /** How many link operations of each kind reached the line, alone or in a list. */
  readonly operations: Readonly<Record<LinkOpKind, number>>;
  /** All of `calls` together. */
  readonly totalCalls: number;
  /** Sets all counts to 0. */
  resetCounts(): void;
  /** From now on every call fails at once with STORE_UNAVAILABLE, not applied; pushes are lost; health says so. */
  cut(): void;
  /** From now on no call is ever answered (those before their execution are not executed); pushes are lost. */
  hang(): void;
  /** Ends `cut`, `hang`, `delay` and what was left to drop; watchers of pods hear of a gap. What hangs goes on hanging. */
  heal(): void;
  /** The next `count` calls are executed; their callers get TIMEOUT with outcome "unknown". */
  dropReplies(count: number): void;
  /** The next `count` calls are never executed; their callers get TIMEOUT with outcome "unknown" all the same. */
  dropRequests(count: number): void;
  /** The next `count` pushes (pod events, lost links, successors) don't arrive. */
  dropPushes(count: number): void;
  /** Every call is executed `ms` later, by the clock given. 0: at once. */
  delay(ms: number): void;
  /** Runs `hook` before each execution of a method: it may wait, or throw what the caller gets instead. */
  on(method: StoreMethod, hook: CallHook): Subscription;
}

/** @param options.clock what `delay` is measured by. Default: the real one. */
export function faultyStore<S extends Store>(real: S, options: { readonly clock?: Clock } = {}): FaultyStore<S> {
  const faults = new Faults(options.clock ?? systemClock);
  const calls = noCalls();
  const operations = noOperations();
  const podWatchers = new Listeners<PodEvent>();
  const storeWatchers = new Listeners<StoreEvent>();

  function through<T>(method: StoreMethod, args: readonly unknown[], run: () => Promise<T>): Promise<T> {
    calls[method] += 1;
    return faults.pass({ method, args }, run);
  }

  const unhealthy = { healthy: false, reason: "the store is cut off" } as const;
  const store: Store = {
    execute(op, call) {
      operations[op.kind] += 1;
      return through("execute", [op, call], () => real.execute(op, call));
    },
    async executeAll<O extends LinkOp>(ops: readonly O[], call?: Parameters<Store["executeAll"]>[1]) {
      for (const op of ops) operations[op.kind] += 1;
      try {
        return await through("executeAll", [ops, call], () => real.executeAll(ops, call));
      } catch (error) {
        // As a store does it: what goes wrong on the way is each operation's own answer.
        if (!RouteError.is(error) || error.code === "INVALID_ARGUMENT" || error.code === "CLOSED") throw error;
        return ops.map((): Answer<O> => ({ error }));
      }
    },
    podsOf(namespace, service, uids, call) {
      operations.get += new Set(uids).size;
      return through("podsOf", [namespace, service, uids, call], () => real.podsOf(namespace, service, uids, call));
    },
    servicesOf: (namespace, uid, call) =>
      through("servicesOf", [namespace, uid, call], () => real.servicesOf(namespace, uid, call)),
    readPods: (namespace, service, call) =>
      through("readPods", [namespace, service, call], () => real.readPods(namespace, service, call)),
    register: (registration, call) =>
      through("register", [registration, call], () => real.register(registration, call)),
    report: (heartbeat, call) => through("report", [heartbeat, call], () => real.report(heartbeat, call)),
    leave: (leave, call) => through("leave", [leave, call], () => real.leave(leave, call)),
    setServiceTag: (namespace, tag, service, call) =>
      through("setServiceTag", [namespace, tag, service, call], () =>
        real.setServiceTag(namespace, tag, service, call),
      ),
    serviceByTag: (namespace, tag, call) =>
      through("serviceByTag", [namespace, tag, call], () => real.serviceByTag(namespace, tag, call)),
    setWorkloadState: (namespace, service, state, ttlMs, call) =>
      through("setWorkloadState", [namespace, service, state, ttlMs, call], () =>
        real.setWorkloadState(namespace, service, state, ttlMs, call),
      ),
    workloadStates: (namespace, services, call) =>
      through("workloadStates", [namespace, services, call], () => real.workloadStates(namespace, services, call)),
    watchPods(namespace, service, listener) {
      const pushed = real.watchPods(namespace, service, (event) => {
        if (faults.letsPushPass()) listener(event);
      });
      const gaps = podWatchers.add(listener);
      return {
        close() {
          pushed.close();
          gaps.close();
        },
      };
    },
    watchLostLinks: (namespace, service, podIndex, listener) =>
      real.watchLostLinks(namespace, service, podIndex, (lost) => {
        if (faults.letsPushPass()) listener(lost);
      }),
    watchSuccessors: (namespace, service, podIndex, listener) =>
      real.watchSuccessors(namespace, service, podIndex, (successor) => {
        if (faults.letsPushPass()) listener(successor);
      }),
    watchStore(listener) {
      const pushed = real.watchStore(listener);
      const health = storeWatchers.add(listener);
      return {
        close() {
          pushed.close();
          health.close();
        },
      };
    },
    health: () => (faults.way === "open" ? real.health() : unhealthy),
    epoch: () => real.epoch(),
    close: () => real.close(),
  };

  return {
    store,
    real,
    calls,
    operations,
    get totalCalls() {
      return Object.values(calls).reduce((sum, count) => sum + count, 0);
    },
    resetCounts() {
      Object.assign(calls, noCalls());
      Object.assign(operations, noOperations());
    },
    cut() {
      faults.way = "cut";
      storeWatchers.emit({ kind: "health", health: unhealthy });
    },
    hang() {
      faults.way = "hanging";
    },
    heal() {
      const disturbed = faults.way !== "open";
      faults.way = "open";
      faults.delay(0);
      faults.dropReplies(0);
      faults.dropRequests(0);
      faults.dropPushes(0);
      if (!disturbed) return;
      storeWatchers.emit({ kind: "health", health: real.health() });
      podWatchers.emit({ kind: "gap" });
    },
    dropReplies: (count) => faults.dropReplies(count),
    dropRequests: (count) => faults.dropRequests(count),
    dropPushes: (count) => faults.dropPushes(count),
    delay: (ms) => faults.delay(ms),
    on: (method, hook) => faults.on(method, hook),
  };
}

function noCalls(): Record<StoreMethod, number> {
  return {
    execute: 0,
    executeAll: 0,
    podsOf: 0,
    servicesOf: 0,
    readPods: 0,
    register: 0,
    report: 0,
    leave: 0,
    setServiceTag: 0,
    serviceByTag: 0,
    setWorkloadState: 0,
    workloadStates: 0,
  };
}

function noOperations(): Record<LinkOpKind, number> {
  return { get: 0, set: 0, trySet: 0, setIfAbsent: 0, replace: 0, renew: 0, remove: 0 };
}
