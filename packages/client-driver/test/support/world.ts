import { MemoryExecutor } from "@podlink/memory-executor";
import type { RouteInfoOptions } from "@podlink/route-info-driver";
import { RouteInfoDriver } from "@podlink/route-info-driver";
import type { FakeClock, FaultyStore, RecordingObserver } from "@podlink/testkit";
import { fakeClock, faultyStore, recordingObserver } from "@podlink/testkit";
import type { Link, LinkStore, PodReport, RouteErrorCode } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { expect, onTestFinished } from "vitest";
import type { ClientDriverOptions, ServiceHandle } from "../../src/index.ts";
import { ClientDriver } from "../../src/index.ts";
import { FakePod, LEASE_MS, NAMESPACE, SERVICE } from "./fake-pod.ts";

export { HEARTBEAT_MS, LEASE_MS, NAMESPACE, SERVICE } from "./fake-pod.ts";

/** The times of the design's tests. */
export const GRACE_MS = 1000;
export const HAND_OVER_MS = 3000;
export const COMMAND_TIMEOUT_MS = 100;

export const routeOptions: RouteInfoOptions = {
  stateRefreshMs: 100,
  silenceMs: 250,
  commandTimeoutMs: COMMAND_TIMEOUT_MS,
  slowStartMs: 0,
};
const driverOptions: ClientDriverOptions = {
  leaseMs: LEASE_MS,
  leaseMarginMs: 100,
  notReadyHandOverMs: HAND_OVER_MS,
  commandTimeoutMs: COMMAND_TIMEOUT_MS,
  callTimeoutMs: 500,
};

/** A caller: a driver with its own view of the pods, over a line to the shared store that can be disturbed. */
interface Caller {
  readonly driver: ClientDriver;
  readonly rooms: ServiceHandle;
  readonly routes: RouteInfoDriver;
  readonly line: FaultyStore;
  readonly observer: RecordingObserver;
}

export interface World extends Caller {
  readonly clock: FakeClock;
  readonly store: MemoryExecutor;
  readonly pods: readonly FakePod[];
  /** A pod more. */
  readonly pod: (podIndex: number, report?: Partial<PodReport>) => Promise<FakePod>;
  /** A caller more. */
  readonly caller: (options?: CallerOptions) => Promise<Caller>;
}

export interface CallerOptions {
  readonly driver?: ClientDriverOptions;
  readonly routes?: RouteInfoOptions;
  /** Whether it has read the pods and its start-up freeze is over. Default true. */
  readonly settled?: boolean;
  readonly observed?: boolean;
  readonly random?: () => number;
  /** Comes between the driver and the line. */
  readonly links?: (line: LinkStore) => LinkStore;
}

/** A real store, pods that report, and one caller, on a clock that stands still. */
export async function world(podCount: number, options: CallerOptions = {}): Promise<World> {
  const clock = fakeClock();
  const store = new MemoryExecutor({ clock });
  const pods: FakePod[] = [];
  const pod = async (podIndex: number, report?: Partial<PodReport>): Promise<FakePod> => {
    const made = await new FakePod(store, clock, podIndex, report).start();
    pods.push(made);
    return made;
  };
  for (let podIndex = 0; podIndex < podCount; podIndex += 1) await pod(podIndex);
  const caller = async (more: CallerOptions = {}): Promise<Caller> => {
    const line = faultyStore(store, { clock });
    const observer = recordingObserver();
    const random = more.random ?? seededRandom();
    const routes = new RouteInfoDriver(
      { directory: line.store, catalogue: line.store, namespace: NAMESPACE, clock, random },
      { ...routeOptions, ...more.routes },
    );
    const driver = new ClientDriver(
      {
        links: more.links?.(line.store) ?? line.store,
        routes,
        namespace: NAMESPACE,
        clock,
        random,
        ...(more.observed === true ? { observer } : undefined),
      },
      { ...driverOptions, ...more.driver },
    );
    onTestFinished(async () => {
      await driver.close();
      await routes.close();
    });
    const rooms = driver.service(SERVICE);
    if (more.settled !== false) {
      await rooms.init();
      await clock.advance(LEASE_MS + 100);
      line.resetCounts();
    }
    return { driver, rooms, routes, line, observer };
  };
  const first = await caller(options);
  return { ...first, clock, store, pods, pod, caller };
}

/** Repeats itself from run to run. */
export function seededRandom(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What the store has, past every line. */
export async function stored(store: MemoryExecutor, uid: string): Promise<Link | undefined> {
  return store.execute({ kind: "get", namespace: NAMESPACE, service: SERVICE, uid });
}

/** The error that a promise rejects with, of the code expected. */
export async function rejection(promise: Promise<unknown>, code: RouteErrorCode): Promise<RouteError> {
  const error: unknown = await promise.then(
    (value) => expect.fail(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!RouteError.is(error)) throw error;
  expect(error.code, error.message).toBe(code);
  return error;
}

/** "resolved", or the code that the promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "resolved";
  } catch (error) {
    return RouteError.from(error).code;
  }
}

/** Waits while time passes: for calls that need a timer to settle. */
export async function within<T>(clock: FakeClock, ms: number, promise: Promise<T>): Promise<T> {
  const settled = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await clock.advance(ms);
  const outcome = await Promise.race([settled, Promise.resolve(undefined)]);
  if (outcome === undefined) throw new Error(`not settled within ${ms} ms`);
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}
