import { expect, test } from "vitest";
import { NAMESPACE, rejection, seededRandom, SERVICE, stored, within, world } from "./support/world.ts";

test("a new uid costs one round trip", async () => {
  const { rooms, line, store } = await world(3);
  const link = await rooms.resolve("alice");
  expect(line.totalCalls).toBe(1);
  expect(line.operations.setIfAbsent).toBe(1);
  expect(link).toMatchObject({ namespace: NAMESPACE, service: SERVICE, uid: "alice", kind: "reservation" });
  expect(link.expiresInMs).toBe(300_000);
  expect(await stored(store, "alice")).toEqual(link);
});

test("a uid that someone else linked costs one round trip", async () => {
  const { rooms, clock, caller } = await world(3);
  const other = await caller();
  const link = await rooms.resolve("alice");
  other.line.resetCounts();
  expect((await other.rooms.resolve("alice")).podIndex).toBe(link.podIndex);
  expect(other.line.totalCalls).toBe(1);
  expect(clock.pendingTimers).toBeGreaterThan(0);
});

test("a hit makes no store call and no timer", async () => {
  const { rooms, driver, line, clock } = await world(3);
  const link = await rooms.resolve("alice");
  line.resetCounts();
  const timers = clock.pendingTimers;
  const hit = rooms.resolve("alice");
  expect(clock.pendingTimers).toBe(timers);
  expect(await hit).toEqual(link);
  expect(rooms.peek("alice")).toBe(link.podIndex);
  expect(await driver.computeLinkedPod({ service: SERVICE, uid: "alice" })).toEqual(link);
  expect(await driver.getLinkedPod({ service: SERVICE, uid: "alice" })).toEqual(link);
  expect(driver.getLinkedInCache({ service: SERVICE, uid: "alice" })).toEqual(link);
  expect((await rooms.target("alice")).podIndex).toBe(link.podIndex);
  expect(line.totalCalls).toBe(0);
  expect(clock.pendingTimers).toBe(timers);
});

test("a miss leaves no timer behind", async () => {
  const { rooms, clock } = await world(3);
  const timers = clock.pendingTimers;
  await rooms.resolve("alice");
  expect(clock.pendingTimers).toBe(timers);
});

test("calls for a uid at the same time share one operation", async () => {
  const { rooms, driver, line } = await world(3);
  const links = await Promise.all(Array.from({ length: 100 }, () => rooms.resolve("alice")));
  expect(new Set(links.map(({ token }) => token)).size).toBe(1);
  expect(line.totalCalls).toBe(1);
  expect(driver.read()).toMatchObject({ resolves: 100, flights: 1, placements: 1 });
});

test("one caller's abort does not end the flight that others share", async () => {
  const { rooms, line, clock } = await world(3);
  line.delay(50);
  const abort = new AbortController();
  const aborted = rejection(rooms.resolve("alice", { signal: abort.signal }), "CANCELLED");
  const shared = rooms.resolve("alice");
  abort.abort();
  await aborted;
  expect((await within(clock, 50, shared)).uid).toBe("alice");
  expect(line.operations.setIfAbsent).toBe(1);
});

test("a caller's shorter deadline does not shorten the flight that others share", async () => {
  const { rooms, line, clock } = await world(3);
  line.delay(50);
  const hasty = rejection(rooms.resolve("alice", { timeoutMs: 10 }), "TIMEOUT");
  const shared = rooms.resolve("alice");
  expect((await within(clock, 50, shared)).uid).toBe("alice");
  await hasty;
});

test("fault 1: a service whose only pod is 0 works everywhere", async () => {
  const { rooms, driver } = await world(1);
  const key = { service: SERVICE, uid: "alice" };
  expect((await driver.computeLinkedPod(key)).podIndex).toBe(0);
  expect(rooms.peek("alice")).toBe(0);
  expect((await rooms.target("alice")).podIndex).toBe(0);
  expect((await driver.getLinkedPodNotCache(key))?.podIndex).toBe(0);
  expect(driver.cacheExpired(key)?.podIndex).toBe(0);
  expect((await driver.getLinkedPod(key))?.podIndex).toBe(0);
  expect((await driver.setLinkedPodIfAbsent({ service: SERVICE, uid: "bob" }, 0)).podIndex).toBe(0);
  expect(await driver.batchGetLinkedPod({ service: SERVICE, uids: ["alice", "bob", "nobody"] })).toEqual(
    new Map([[0, ["alice", "bob"]]]),
  );
});

test("fault 1: no link is no pod, and is not cached as one", async () => {
  const { rooms, driver } = await world(1);
  const key = { service: SERVICE, uid: "alice" };
  expect(await driver.getLinkedPod(key)).toBeUndefined();
  expect(await driver.getLinkedPodNotCache(key)).toBeUndefined();
  expect(await driver.getLinkedPodInCacheOrIfPersist(key)).toBeUndefined();
  expect(driver.getLinkedInCache(key)).toBeUndefined();
  expect(driver.cacheExpired(key)).toBeUndefined();
  expect(rooms.peek("alice")).toBeUndefined();
  expect(driver.read()["size"]).toBe(0);
});

test("fault 15: uids that look like one another's keys are three users, services and namespaces apart", async () => {
  const { driver, store, pods } = await world(3);
  const uids = ["a}b", "a/b", "a%7Db", "a", "room/a", "__proto__", "toString"];
  for (const [index, uid] of uids.entries()) {
    await driver.setLinkedPodIfAbsent({ service: SERVICE, uid }, index % pods.length);
    await driver.setLinkedPodIfAbsent({ service: "hall", uid }, (index + 1) % pods.length);
  }
  for (const [index, uid] of uids.entries()) {
    expect(driver.getLinkedInCache({ service: SERVICE, uid })?.podIndex).toBe(index % pods.length);
    expect(driver.getLinkedInCache({ service: "hall", uid })?.podIndex).toBe((index + 1) % pods.length);
    expect((await stored(store, uid))?.podIndex).toBe(index % pods.length);
  }
});

test("fault 16: a pod that is gone never gets a new uid, nor does an overloaded one", async () => {
  const { rooms, pods, clock } = await world(4);
  await pods[3]?.leave();
  pods[2]?.crash();
  await pods[1]?.say({ loadScore: 95 });
  await clock.advance(1100);
  for (let user = 0; user < 50; user += 1) expect((await rooms.resolve(`user${user}`)).podIndex).toBe(0);
});

test("fault 22: callers that see the same state don't all pick the same pod", async () => {
  const { caller } = await world(4);
  const chosen = new Set<number>();
  for (let seed = 0; seed < 12; seed += 1) {
    const { rooms } = await caller({ random: seededRandom(seed * 7919) });
    chosen.add((await rooms.resolve(`user${seed}`)).podIndex);
  }
  expect(chosen.size).toBeGreaterThan(1);
});

test("a caller that starts cold reads the pods with its first call", async () => {
  const { caller } = await world(2);
  const { rooms, line } = await caller({ settled: false });
  expect((await rooms.resolve("alice")).uid).toBe("alice");
  expect(line.calls).toMatchObject({ readPods: 1, execute: 1 });
});

test("with the state cache switched off every miss reads the pods first", async () => {
  const { caller, clock } = await world(2);
  const { rooms, line } = await caller({ settled: false, routes: { stateCache: false } });
  await rooms.resolve("alice");
  await clock.advance(1000);
  line.resetCounts();
  expect((await rooms.resolve("alice")).uid).toBe("alice");
  expect(line.calls).toMatchObject({ readPods: 1, execute: 1 });
});

test("a watched call has one scope, ended once, with its error", async () => {
  const { caller } = await world(1);
  const { rooms, observer } = await caller({ observed: true });
  await rooms.resolve("alice");
  await rooms.resolve("alice");
  await rejection(rooms.resolve(""), "INVALID_ARGUMENT");
  expect(observer.scopes.map(({ operation, ends }) => [operation.name, ends])).toEqual([
    ["resolve", 1],
    ["resolve", 1],
    ["resolve", 1],
  ]);
  expect(observer.scopes[2]?.error).toMatchObject({ code: "INVALID_ARGUMENT" });
});
