import { MemoryExecutor } from "@podlink/memory-executor";
import { RouteInfoDriver } from "@podlink/route-info-driver";
import type { FakeClock, FaultyStore } from "@podlink/testkit";
import { fakeClock, faultyStore } from "@podlink/testkit";
import { RouteError } from "@podlink/types";
import { afterEach, expect, test } from "vitest";
import { ServerDriver } from "../src/index.ts";
import { FAST, granted, NAMESPACE, SERVICE, settled } from "./support/world.ts";

const FAST_ROUTES = { stateRefreshMs: 100, silenceMs: 300, commandTimeoutMs: 100, slowStartMs: 0 };

/** A pod with real routes, and what it asks the store. */
interface Pod {
  readonly driver: ServerDriver;
  readonly routes: RouteInfoDriver;
  readonly line: FaultyStore<MemoryExecutor>;
  /** How many subscriptions to all pods it has now. */
  watches(): number;
}

interface PodOptions {
  readonly minReady?: number;
  readonly propagationMs?: number;
}

let clock: FakeClock;
let pods: Pod[] = [];
afterEach(async () => {
  for (const { driver } of pods) await driver.close();
  // What a pod's end ends is all there was: its routes need no closing for that.
  expect(clock.pendingTimers).toBe(0);
  expect(pods.map((pod) => pod.watches())).toEqual(pods.map(() => 0));
  pods = [];
});

function makePod(store: MemoryExecutor, podIndex: number, options: PodOptions = {}): Pod {
  const line = faultyStore(store, { clock });
  let watches = 0;
  const watchPods = line.store.watchPods.bind(line.store);
  line.store.watchPods = (...call) => {
    const subscription = watchPods(...call);
    watches += 1;
    let isOpen = true;
    return {
      close() {
        if (isOpen) watches -= 1;
        isOpen = false;
        subscription.close();
      },
    };
  };
  const ports = { directory: line.store, catalogue: line.store, namespace: NAMESPACE, clock };
  const routes = new RouteInfoDriver(ports, FAST_ROUTES);
  const { minReady = 1, ...times } = options;
  const settings = { ...FAST, ...times, namespace: NAMESPACE, service: SERVICE, podIndex, workload: { minReady } };
  const driver = new ServerDriver({ store: line.store, routes, clock }, settings);
  const pod = { driver, routes, line, watches: () => watches };
  pods.push(pod);
  return pod;
}

/** Pods 0 to `count` - 1, Ready, a while ago. */
async function running(count: number, options?: PodOptions): Promise<[MemoryExecutor, ...Pod[]]> {
  clock = fakeClock();
  const store = new MemoryExecutor({ clock });
  for (let podIndex = 0; podIndex < count; podIndex += 1) {
    const { driver } = makePod(store, podIndex, options);
    driver.ready();
    await settled(clock, driver.start());
  }
  await clock.advance(3 * FAST.heartbeatIntervalMs);
  for (const { line } of pods) line.resetCounts();
  return [store, ...pods];
}

const unreadable = (): RouteError => new RouteError("STORE_UNAVAILABLE", "a reading of the test");
const follows = (pod: Pod | undefined): boolean => pod!.watches() > 0;
const stateOf = async (store: MemoryExecutor) => (await store.workloadStates(NAMESPACE, [SERVICE])).get(SERVICE);

test("pods that serve neither read nor hear of each other; the one that writes the workload state does", async () => {
  const [, zero, one, two] = await running(3);
  await clock.advance(20 * FAST.heartbeatIntervalMs);
  for (const pod of [one!, two!]) {
    expect(pod.line.calls).toMatchObject({ readPods: 0, report: 20, setWorkloadState: 0 });
    expect(follows(pod)).toBe(false);
  }
  expect(zero!.line.calls.setWorkloadState).toBe(20);
  expect(zero!.line.calls.readPods).toBeGreaterThan(15);
  expect(follows(zero)).toBe(true);
});

test("a pod starts without reading the pods, also after an earlier life", async () => {
  const [store, , one] = await running(2);
  await one!.driver.close();
  const next = makePod(store, 1);
  await settled(clock, next.driver.start());
  expect(next.driver.state.phase).toBe("waiting");
  expect(next.line.calls).toMatchObject({ readPods: 0, register: 2 });
});

test("the pod that takes the workload state over begins to follow, and stops when a lower one has it again", async () => {
  const [store, zero, one, two] = await running(3, { minReady: 2 });
  zero!.driver.setServiceState("Failed");
  await clock.advance(2 * FAST.heartbeatIntervalMs);
  expect([zero, one, two].map(follows)).toEqual([false, true, false]);
  expect(await stateOf(store)).toBe("Ready");
  two!.driver.setServiceState("NotReady");
  await clock.advance(2 * FAST.heartbeatIntervalMs);
  expect(await stateOf(store)).toBe("Pending");
  zero!.driver.setServiceState("Ready");
  await clock.advance(2 * FAST.heartbeatIntervalMs);
  expect([zero, one, two].map(follows)).toEqual([true, false, false]);
  expect(await stateOf(store)).toBe("Ready");
});

test("when the pod that writes it dies, another one has taken that over within a beat of its lease", async () => {
  const [store, zero, one, two] = await running(3);
  await zero!.driver.close();
  await clock.advance(FAST.leaseMs + FAST.heartbeatIntervalMs);
  expect([one, two].map(follows)).toEqual([true, false]);
  expect(await stateOf(store)).toBe("Ready");
});

test("a pod that drains users follows until it has ended", async () => {
  const [store, , one, two] = await running(3);
  for (const uid of ["ann", "bob"]) granted(await settled(clock, one!.driver.guard(uid)));
  const stopped = one!.driver.stop();
  await clock.advance(FAST.propagationMs / 2); // the news travels: until now all goes on
  expect([one, two].map(follows)).toEqual([true, false]);
  await clock.advance(FAST.propagationMs);
  await stopped;
  expect(follows(one)).toBe(false);
  expect(one!.driver.read()).toMatchObject({ moved: 2, left: 0 });
  const key = { namespace: NAMESPACE, service: SERVICE, uid: "ann" };
  expect(await store.execute({ kind: "get", ...key })).toMatchObject({ kind: "reservation" });
});

test("a drain whose first reading fails moves its users all the same", async () => {
  const [, , one] = await running(3);
  for (const uid of ["ann", "bob"]) granted(await settled(clock, one!.driver.guard(uid)));
  let fails = true;
  one!.line.on("readPods", () => {
    if (fails) throw new Error("the first reading fails");
  });
  const stopped = one!.driver.stop();
  await clock.advance(0);
  expect(one!.line.calls.readPods).toBe(1);
  fails = false;
  await clock.advance(FAST.propagationMs - 1);
  expect(one!.line.calls.readPods).toBeGreaterThan(1); // by itself, before anybody needs it
  await clock.advance(1000);
  await stopped;
  expect(one!.driver.read()).toMatchObject({ moved: 2, left: 0 });
});

test("a pod that drains nobody reads no pods, unless it is asked for somebody", async () => {
  const [, , one] = await running(2);
  const stopped = one!.driver.stop();
  await clock.advance(FAST.propagationMs / 2);
  expect(one!.line.calls.readPods).toBe(0);
  expect(await settled(clock, one!.driver.guard("ann"))).toMatchObject({ reason: "held-by", link: { podIndex: 0 } });
  expect(follows(one)).toBe(true);
  await clock.advance(FAST.propagationMs);
  await stopped;
  expect(follows(one)).toBe(false);
});

test("a pod that is not Ready follows when it hands users over, and stops when it is Ready again", async () => {
  const [, , one] = await running(2);
  for (const uid of ["ann", "bob"]) granted(await settled(clock, one!.driver.guard(uid)));
  one!.driver.setServiceState("NotReady");
  await clock.advance(FAST.notReadyHandOverMs - 1);
  expect(follows(one)).toBe(false);
  await clock.advance(1);
  expect(follows(one)).toBe(true);
  await clock.advance(FAST.heartbeatIntervalMs);
  expect(one!.driver.read()).toMatchObject({ held: 0, moved: 2 });
  one!.driver.setServiceState("Ready");
  await clock.advance(0);
  expect(follows(one)).toBe(false);
});

test("a pod that holds nobody follows nobody, however long it is not Ready", async () => {
  const [store] = await running(1);
  const late = makePod(store, 1);
  await settled(clock, late.driver.start());
  await clock.advance(3 * FAST.notReadyHandOverMs);
  expect(late.driver.getServiceState()).toBe("Pending");
  expect(late.line.calls.readPods).toBe(0);
});

test("a client of the same routes keeps its cache when the pod stops following", async () => {
  const [, zero] = await running(2);
  const { cache } = zero!.routes.service(SERVICE);
  await settled(clock, cache.init());
  await settled(clock, zero!.driver.stop(), 1000);
  expect(zero!.watches()).toBe(1);
  expect(cache.resting).toBe(false);
  expect(zero!.routes.read()).toMatchObject({ services: 1, pods: 2, available: 1 });
  await zero!.routes.close();
});

test("a pod that has just stopped following follows again as soon as it needs to", async () => {
  const [, zero, one] = await running(2);
  granted(await settled(clock, one!.driver.guard("ann")));
  const say = async (pod: Pod, state: "Ready" | "NotReady" | "Failed"): Promise<void> => {
    pod.driver.setServiceState(state); // and so reports at once
    await clock.advance(0);
  };
  await say(zero!, "Failed");
  await say(one!, "NotReady");
  expect(follows(one)).toBe(true);
  await say(zero!, "Ready");
  await say(one!, "Ready");
  expect(follows(one)).toBe(false);
  const stopped = one!.driver.stop();
  await clock.advance(0);
  expect(follows(one)).toBe(true);
  await clock.advance(1000);
  await stopped;
});

test("nobody is followed by a pod that has ended, whatever it was about to do", async () => {
  const [, , one] = await running(2);
  granted(await settled(clock, one!.driver.guard("ann")));
  const follow = one!.routes.follow.bind(one!.routes);
  let asked = 0;
  one!.routes.follow = (service) => {
    asked += 1;
    return follow(service);
  };
  one!.driver.onHandOff(() => one!.driver.close());
  const stopped = one!.driver.stop();
  await clock.advance(1000);
  await stopped;
  expect([asked, follows(one)]).toEqual([1, false]);
});

test.each([
  ["the first", { propagationMs: 50 }, (turn: number) => turn === 1],
  [
    "all, until the news has travelled and users are to be moved",
    {},
    (_: number, afterMs: number) => afterMs < FAST.propagationMs + 50,
  ],
])("readings that fail cost a pod that drains none of its users' moves: %s", async (_, options, fails) => {
  const [, , one] = await running(3, options);
  const uids = Array.from({ length: 20 }, (__, number) => `user-${number}`);
  for (const uid of uids) granted(await settled(clock, one!.driver.guard(uid)));
  const beganAtMs = clock.nowMs();
  let turn = 0;
  one!.line.on("readPods", () => {
    turn += 1;
    if (fails(turn, clock.nowMs() - beganAtMs)) throw unreadable();
  });
  const stopped = one!.driver.stop();
  await clock.advance(10 * FAST.propagationMs);
  await stopped;
  expect(one!.driver.read()).toMatchObject({ moved: uids.length, left: 0 });
});

test("a pod that takes the workload state over while the pods can't be read writes it as soon as they can", async () => {
  const [store, zero, one] = await running(2);
  const failing = one!.line.on("readPods", () => {
    throw unreadable();
  });
  await zero!.driver.close();
  await clock.advance(FAST.leaseMs + 3 * FAST.heartbeatIntervalMs);
  expect(await stateOf(store)).toBeUndefined();
  failing.close();
  await clock.advance(2 * FAST.heartbeatIntervalMs);
  expect(await stateOf(store)).toBe("Ready");
});
