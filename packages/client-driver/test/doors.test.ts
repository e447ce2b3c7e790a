import { RouteInfoDriver } from "@podlink/route-info-driver";
import { CoarseClock } from "@podlink/state-cache";
import type { Clock, Link } from "@podlink/types";
import { defer, RouteError } from "@podlink/types";
import { MemoryExecutor } from "@podlink/memory-executor";
import { expect, test } from "vitest";
import * as exported from "../src/index.ts";
import { ClientDriver } from "../src/index.ts";
import { FakePod } from "./support/fake-pod.ts";
import { NAMESPACE, rejection, SERVICE, world } from "./support/world.ts";

test("the package exports this and nothing else", () => {
  expect(Object.keys(exported).toSorted()).toEqual(["ClientDriver", "clientDriverOptions"]);
});

test.each([
  ["uid", { service: SERVICE, uid: "" }],
  ["uid", { service: SERVICE, uid: "\ud800" }],
  ["uid", { service: SERVICE, uid: ".." }],
  ["uid", { service: SERVICE, uid: 7 as unknown as string }],
  ["service", { service: "Not_A_Label", uid: "alice" }],
  ["namespace", { namespace: "Not_A_Label", service: SERVICE, uid: "alice" }],
])("a bad %s is refused by every method, nothing is sent", async (field, key) => {
  const { driver, line } = await world(1);
  const errors = [
    await rejection(driver.computeLinkedPod(key), "INVALID_ARGUMENT"),
    await rejection(driver.getLinkedPod(key), "INVALID_ARGUMENT"),
    await rejection(driver.getLinkedPodInCacheOrIfPersist(key), "INVALID_ARGUMENT"),
    await rejection(driver.getLinkedPodNotCache(key), "INVALID_ARGUMENT"),
    await rejection(driver.setLinkedPodIfAbsent(key, 0), "INVALID_ARGUMENT"),
    thrown(() => driver.getLinkedInCache(key)),
    thrown(() => driver.cacheExpired(key)),
  ];
  for (const error of errors) {
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toContain(`${field} must be`);
  }
  expect(line.totalCalls).toBe(0);
});

test("other bad arguments are refused by field", async () => {
  const { driver } = await world(1);
  const key = { service: SERVICE, uid: "alice" };
  const refused = async (promise: Promise<unknown>) => (await rejection(promise, "INVALID_ARGUMENT")).message;
  expect(await refused(driver.setLinkedPodIfAbsent(key, -1))).toContain("podIndex");
  expect(await refused(driver.setLinkedPodIfAbsent(key, 0, { lifetime: { ttlMs: 0 } }))).toContain("ttlMs");
  expect(await refused(driver.getLinkService(".."))).toContain("uid");
  expect(await refused(driver.batchGetLinkedPod({ service: "?", uids: [] }))).toContain("service");
  expect(await refused(driver.computeLinkedPod(key, { timeoutMs: -1 }))).toContain("timeoutMs");
});

test.each<[field: string, link: unknown]>([
  ["link", undefined],
  ["link.kind", { kind: "maybe" }],
  ["link.podIndex", { podIndex: 70_000 }],
  ["link.token", { token: "0x1" }],
  ["link.incarnation", { incarnation: 0 }],
  ["link.uid", { uid: "" }],
  ["link.expiresInMs", { expiresInMs: -1 }],
])("setCache refuses a link with a bad %s", async (field, parts) => {
  const { driver } = await world(1);
  const good = { namespace: NAMESPACE, service: SERVICE, uid: "alice", podIndex: 0, token: "7", kind: "reservation" };
  const link = parts === undefined ? undefined : { ...good, ...(parts as object) };
  const error = thrown(() => driver.setCache(link as Link));
  expect(error.code).toBe("INVALID_ARGUMENT");
  expect(error.message).toContain(`${field} must be`);
});

test("setCache takes a link as a store gives it: fractions of a millisecond left", async () => {
  const { driver } = await world(1);
  const link = { ...(await driver.setLinkedPodIfAbsent({ service: SERVICE, uid: "alice" }, 0)), expiresInMs: 1000.5 };
  expect(driver.setCache(link)?.token).toBe(link.token);
  expect(driver.getLinkedInCache(link)?.expiresInMs).toBe(1000);
});

test("a service that no pod was ever registered for is SERVICE_NOT_FOUND, without asking each time", async () => {
  const { driver, line } = await world(1);
  const error = await rejection(driver.computeLinkedPod({ service: "hall", uid: "alice" }), "SERVICE_NOT_FOUND");
  expect(error.retryable).toBe(false);
  line.resetCounts();
  await rejection(driver.computeLinkedPod({ service: "hall", uid: "bob" }), "SERVICE_NOT_FOUND");
  expect(line.totalCalls).toBe(0);
});

test("a first pod that was heard of since the last reading is no stranger: NO_ROUTABLE_POD, until it is ready", async () => {
  const { rooms, routes, pod, line } = await world(0);
  await rooms.init();
  const { readPods } = line.calls;
  const first = await pod(0, { serviceState: "Pending" });
  await rejection(rooms.resolve("alice"), "NO_ROUTABLE_POD");
  await rejection(routes.getServiceBestPod(SERVICE), "NO_ROUTABLE_POD");
  await first.say({ serviceState: "Ready" });
  expect(await rooms.resolve("alice")).toMatchObject({ podIndex: 0 });
  expect(line.calls.readPods, "no reading told").toBe(readPods);
});

test("a service whose pods can't take a uid is NO_ROUTABLE_POD", async () => {
  const { rooms, pods, clock } = await world(1);
  await pods[0]?.say({ serviceState: "NotReady" });
  await clock.advance(20);
  const error = await rejection(rooms.resolve("alice"), "NO_ROUTABLE_POD");
  expect(error).toMatchObject({ retryable: true, retryAfterMs: expect.any(Number) as number });
});

test("a namespace without a store is NAMESPACE_UNKNOWN, whatever its name", async () => {
  const { driver } = await world(1);
  for (const namespace of ["elsewhere", "constructor"]) {
    await rejection(driver.computeLinkedPod({ namespace, service: SERVICE, uid: "alice" }), "NAMESPACE_UNKNOWN");
    await rejection(driver.getLinkService("alice", namespace), "NAMESPACE_UNKNOWN");
    expect(thrown(() => driver.service(SERVICE, namespace)).code).toBe("NAMESPACE_UNKNOWN");
  }
});

test("another namespace's links go to the store registered for it", async () => {
  const { clock, driver: ours, store } = await world(1);
  const elsewhere = new MemoryExecutor({ clock });
  const theirPod = await new FakePod(elsewhere, clock, 0).start();
  theirPod.crash();
  const reachOf = (namespace: string, at: MemoryExecutor) => ({
    links: at,
    routes: new RouteInfoDriver({ directory: at, catalogue: at, namespace, clock }),
  });
  const own = reachOf(NAMESPACE, store);
  const other = reachOf("staging", elsewhere);
  const driver = new ClientDriver({ ...own, namespace: NAMESPACE, others: { staging: other }, clock });
  const link = await driver.setLinkedPodIfAbsent({ namespace: "staging", service: SERVICE, uid: "alice" }, 0);
  expect(link.namespace).toBe("staging");
  expect(await driver.getLinkedPodNotCache({ namespace: "staging", service: SERVICE, uid: "alice" })).toEqual(link);
  expect(await ours.getLinkedPodNotCache({ service: SERVICE, uid: "alice" })).toBeUndefined();
  expect([...(await driver.getLinkService("alice", "staging")).keys()]).toEqual([SERVICE]);
  expect(driver.setCache(link)).toEqual(link);
  await driver.close();
  await own.routes.close();
  await other.routes.close();
});

test("after close every method answers CLOSED, and no timer of the driver is left", async () => {
  const { driver, rooms, routes, clock, pods } = await world(1);
  await rooms.resolve("alice");
  await driver.close();
  await driver.close();
  const key = { service: SERVICE, uid: "alice" };
  expect(rooms.peek("alice")).toBeUndefined();
  await rejection(rooms.resolve("alice"), "CLOSED");
  await rejection(driver.computeLinkedPod(key), "CLOSED");
  await rejection(driver.getLinkService("alice"), "CLOSED");
  await rejection(driver.init(), "CLOSED");
  expect(thrown(() => driver.service("hall")).code).toBe("CLOSED");
  expect(thrown(() => driver.getLinkedInCache(key)).code).toBe("CLOSED");
  pods[0]?.crash();
  await routes.close();
  expect(clock.pendingTimers).toBe(0);
});

test("closing ends the calls under way with CLOSED, at once", async () => {
  const { driver, rooms, routes, line, clock, pods } = await world(1);
  line.hang();
  const waiting = rejection(rooms.resolve("bob"), "CLOSED");
  await clock.advance(10);
  await driver[Symbol.asyncDispose]();
  await waiting;
  pods[0]?.crash();
  await routes.close();
  await clock.advance(0);
  expect(clock.pendingTimers).toBe(0);
  expect(driver.read()["waiting"]).toBe(0);
});

test("closing ends the readings that were planned, and plans no more", async () => {
  const { driver, rooms, routes, line, store, clock, pods } = await world(2);
  await driver.setLinkedPodIfAbsent({ service: SERVICE, uid: "alice" }, 0);
  await pods[0]?.claim("alice");
  pods[0]?.crash();
  await clock.advance(1200);
  await rejection(rooms.resolve("alice"), "POD_UNAVAILABLE");
  // One more is on its way to such a plan: the reading that it waits for is answered after the close.
  const owner = { podIndex: 9, incarnation: 7 };
  await store.execute({
    kind: "set",
    namespace: NAMESPACE,
    service: SERVICE,
    uid: "bob",
    owner,
    lifetime: "persistent",
  });
  const { promise: answered, resolve: answer } = defer<void>();
  line.on("readPods", () => answered);
  const waiting = rejection(rooms.resolve("bob"), "CLOSED");
  await clock.advance(10);
  await driver.close();
  await waiting;
  answer();
  await clock.advance(0);
  for (const pod of pods) pod.crash();
  await routes.close();
  expect(clock.pendingTimers).toBe(0);
});

test("a coarse clock that was given is let go, not closed", async () => {
  const { store, routes, clock, pods } = await world(1);
  pods[0]?.crash();
  await routes.close();
  await clock.advance(0);
  const before = clock.pendingTimers;
  const coarse = new CoarseClock(clock);
  const driver = new ClientDriver({
    links: store,
    routes: quietRoutes(store, clock),
    namespace: NAMESPACE,
    clock,
    coarse,
  });
  driver.service(SERVICE);
  expect(clock.pendingTimers).toBe(before + 1);
  await driver.close();
  expect(clock.pendingTimers).toBe(before);
  coarse.use().close();
});

test("the store and the routes that were given stay open", async () => {
  const { driver, store, routes } = await world(1);
  await driver.close();
  expect(store.health().healthy).toBe(true);
  expect(await routes.isPodAvailable(SERVICE, 0)).toBe(true);
});

test("a handle is the same for the same name, and shows the pods", async () => {
  const { driver, rooms } = await world(2);
  expect(driver.service(SERVICE)).toBe(rooms);
  expect(driver.service(SERVICE, NAMESPACE)).toBe(rooms);
  expect(rooms.pods().map(({ row, available }) => [row.podIndex, available])).toEqual([
    [0, true],
    [1, true],
  ]);
});

test("init prepares its own namespace and may be repeated", async () => {
  const { caller } = await world(1);
  const { driver } = await caller({ settled: false });
  await driver.init();
  await driver.init();
  expect((await driver.computeLinkedPod({ service: SERVICE, uid: "alice" })).podIndex).toBe(0);
});

test("fault 23: an unknown option is refused, nothing is started", async () => {
  const { store, routes, clock } = await world(1);
  const timers = clock.pendingTimers;
  const ports = { links: store, routes, namespace: NAMESPACE, clock };
  const error = thrown(() => new ClientDriver(ports, { maxRetryCount: 3 } as object));
  expect(error.code).toBe("CONFIG");
  expect(error.message).toContain("clientDriver.maxRetryCount");
  expect(thrown(() => new ClientDriver({ ...ports, namespace: "NO" })).code).toBe("INVALID_ARGUMENT");
  expect(thrown(() => new ClientDriver(ports, { leaseMs: 450, leaseMarginMs: 0 })).message).toContain("silenceMs");
  const twice = { ...ports, others: { [NAMESPACE]: { links: store, routes } } };
  expect(thrown(() => new ClientDriver(twice)).code).toBe("CONFIG");
  expect(thrown(() => new ClientDriver({ ...ports, namespace: "staging" })).code).toBe("CONFIG");
  expect(clock.pendingTimers).toBe(timers);
});

function quietRoutes(store: MemoryExecutor, clock: Clock): RouteInfoDriver {
  return new RouteInfoDriver({ directory: store, catalogue: store, namespace: NAMESPACE, clock });
}

function thrown(act: () => unknown): RouteError {
  try {
    act();
  } catch (error) {
    if (RouteError.is(error)) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

test("a bad timeoutMs starts nothing, and leaves no rejection that nobody hears", async () => {
  const { driver, line, clock } = await world(1);
  const key = { service: SERVICE, uid: "alice" };
  line.cut();
  await rejection(driver.computeLinkedPod(key, { timeoutMs: -1 }), "INVALID_ARGUMENT");
  await rejection(driver.setLinkedPodIfAbsent(key, 0, { timeoutMs: Number.NaN }), "INVALID_ARGUMENT");
  await clock.advance(50);
  expect(line.calls.execute).toBe(0);
});

test("names that no service has, from URLs say, keep neither memory nor timers nor readings", async () => {
  const { driver, routes, clock, line, pods } = await world(1);
  const kept = driver.service("soon");
  const timers = clock.pendingTimers;
  for (let name = 0; name < 2000; name += 1) {
    await rejection(driver.computeLinkedPod({ service: `junk-${name}`, uid: "alice" }), "SERVICE_NOT_FOUND");
  }
  expect(clock.pendingTimers).toBe(timers);
  expect(routes.read()["services"]).toBeLessThanOrEqual(300);
  line.resetCounts();
  await clock.advance(1000);
  expect(line.calls.readPods).toBeLessThan(20);
  // A handle that was kept all the while works; so does the service that was there.
  await rejection(kept.resolve("alice"), "SERVICE_NOT_FOUND");
  expect(driver.service("soon")).not.toBe(kept); // it was forgotten meanwhile
  expect((await driver.computeLinkedPod({ service: SERVICE, uid: "alice" })).podIndex).toBe(0);
  await driver.close();
  await rejection(kept.resolve("alice"), "CLOSED");
  for (const pod of pods) pod.crash();
  await routes.close();
  expect(clock.pendingTimers).toBe(0);
});

test("while the store is down too, such names keep nothing", async () => {
  const { caller, clock } = await world(1);
  const { driver, line } = await caller({ settled: false });
  line.cut();
  const timers = clock.pendingTimers;
  for (let name = 0; name < 20; name += 1) {
    await rejection(driver.computeLinkedPod({ service: `junk-${name}`, uid: "alice" }), "STORE_UNAVAILABLE");
  }
  expect(clock.pendingTimers).toBeLessThanOrEqual(timers + 1);
});
