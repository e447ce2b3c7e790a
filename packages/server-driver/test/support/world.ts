import { MemoryExecutor } from "@podlink/memory-executor";
import type { FakeClock, FaultyStore } from "@podlink/testkit";
import { fakeClock, faultyStore, recordingObserver } from "@podlink/testkit";
import type { Clock, Link, LinkOp } from "@podlink/types";
import type { Entry, GuardAnswer, PeriodEvent, PodState, ServerDriverOptions } from "../../src/index.ts";
import { ServerDriver } from "../../src/index.ts";
import { peersOf } from "./peers.ts";

export const NAMESPACE = "test";
export const SERVICE = "room";

/** Time in tests: everything twenty times faster, or so. */
export const FAST = {
  heartbeatIntervalMs: 100,
  leaseMs: 1000,
  leaseMarginMs: 100,
  propagationMs: 200,
  handOffTimeoutMs: 500,
  notReadyHandOverMs: 3000,
  verifyIntervalMs: 1000,
  commandTimeoutMs: 100,
  stop: { deadlineMs: 5000 },
} satisfies Partial<ServerDriverOptions>;

export interface TestPod {
  readonly driver: ServerDriver;
  readonly line: FaultyStore<MemoryExecutor>;
  readonly periods: PeriodEvent[];
  readonly states: PodState[];
  readonly observer: ReturnType<typeof recordingObserver>;
}

export interface World {
  readonly clock: FakeClock;
  readonly store: MemoryExecutor;
  /** A pod with its own line to the shared store. */
  pod(podIndex: number, options?: Partial<ServerDriverOptions>, clock?: Clock): TestPod;
  /** The same, started and Ready. */
  running(podIndex: number, options?: Partial<ServerDriverOptions>): Promise<TestPod>;
  link(uid: string): Promise<Link | undefined>;
}

export function world(): World {
  const clock = fakeClock();
  const store = new MemoryExecutor({ clock });
  const pod = (podIndex: number, options: Partial<ServerDriverOptions> = {}, own: Clock = clock): TestPod => {
    const line = faultyStore(store, { clock: own });
    const observer = recordingObserver();
    const settings = { ...FAST, namespace: NAMESPACE, service: SERVICE, podIndex, ...options };
    const routes = peersOf(line.store, NAMESPACE);
    const driver = new ServerDriver({ store: line.store, routes, clock: own, observer }, settings);
    const periods: PeriodEvent[] = [];
    const states: PodState[] = [];
    driver.onPeriod((event) => periods.push(event));
    driver.onState((state) => states.push(state));
    return { driver, line, periods, states, observer };
  };
  return {
    clock,
    store,
    pod,
    async running(podIndex, options) {
      const made = pod(podIndex, options);
      await made.driver.start();
      made.driver.ready();
      await clock.advance(0);
      return made;
    },
    link: (uid) => store.execute({ kind: "get", namespace: NAMESPACE, service: SERVICE, uid }),
  };
}

/** What a promise settles with once time has passed. */
export async function settled<T>(clock: FakeClock, work: T | Promise<T>, ms = 0): Promise<T> {
  let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  Promise.resolve(work).then(
    (value) => (outcome = { value }),
    (error: unknown) => (outcome = { error }),
  );
  await clock.advance(ms);
  if (outcome === undefined) throw new Error(`not settled after ${ms} ms`);
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

export function granted(answer: GuardAnswer): GuardAnswer & { ok: true } {
  if (!answer.ok) throw new Error(`refused: ${answer.reason}`);
  return answer;
}

export function entered(entry: Entry): Entry & { ok: true } {
  if (!entry.ok) throw new Error(`refused: ${entry.reason}`);
  return entry;
}

/** The guard's answer, awaited whether it came at once or not. */
export async function ask(pod: TestPod, uid: string): Promise<GuardAnswer> {
  return pod.driver.guard(uid);
}

/** Runs `then` between the execution of each link operation and its answer; what it throws is what the caller gets. */
export function beforeAnswer({ store }: TestPod["line"], then: (op: LinkOp) => Promise<void> | void): void {
  const execute = store.execute.bind(store);
  store.execute = async (op, call) => {
    const answer = await execute(op, call);
    await then(op);
    return answer;
  };
}
