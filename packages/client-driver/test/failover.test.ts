import { expect, test } from "vitest";
import type { World } from "./support/world.ts";
import {
  codeOf,
  GRACE_MS,
  HAND_OVER_MS,
  HEARTBEAT_MS,
  LEASE_MS,
  rejection,
  stored,
  within,
  world,
} from "./support/world.ts";

/** A uid whose link pod 0 has taken, and that the caller has cached. */
async function ownedByPod0({ rooms, driver, pods, store }: World, uid = "alice"): Promise<void> {
  await driver.setLinkedPodIfAbsent({ service: "room", uid }, 0);
  await pods[0]?.claim(uid);
  rooms.forget(uid);
  await rooms.resolve(uid);
  expect(await stored(store, uid)).toMatchObject({ podIndex: 0, kind: "owned" });
}

async function reservedForPod0({ driver, store }: World, uid = "alice"): Promise<void> {
  await driver.setLinkedPodIfAbsent({ service: "room", uid }, 0);
  expect(await stored(store, uid)).toMatchObject({ podIndex: 0, kind: "reservation" });
}

const ascending = (a: number, b: number): number => a - b;

test("fault 2: a draining pod keeps its users, from the cache and without it", async () => {
  const here = await world(2);
  await ownedByPod0(here);
  await here.pods[0]?.say({ routingState: "DenyNewCall" });
  await here.clock.advance(200);
  expect(here.rooms.peek("alice")).toBe(0);
  const { rooms } = await here.caller();
  expect((await rooms.resolve("alice")).podIndex).toBe(0);
});

test("fault 2: a service whose pods all drain keeps its users, and takes no others", async () => {
  const here = await world(1, { routes: { placement: { strict: true } } });
  await ownedByPod0(here);
  await here.pods[0]?.say({ routingState: "DenyNewCall" });
  await here.clock.advance(200);
  here.rooms.forget("alice");
  expect((await here.rooms.resolve("alice")).podIndex).toBe(0);
  const refused = await rejection(here.rooms.resolve("bob"), "NO_ROUTABLE_POD");
  expect(refused.retryAfterMs).toBeGreaterThan(0);
});

test("fault 3: the link of a dead pod is repaired after lease and grace, without an error, by one winner", async () => {
  const here = await world(3, { observed: true });
  const callers = [here, await here.caller(), await here.caller()];
  await ownedByPod0(here);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + GRACE_MS + HEARTBEAT_MS);
  const links = await Promise.all(callers.map(({ rooms }) => rooms.resolve("alice")));
  expect(new Set(links.map(({ podIndex }) => podIndex)).size).toBe(1);
  expect(links[0]?.podIndex).not.toBe(0);
  expect(await stored(here.store, "alice")).toMatchObject({ token: links[0]?.token });
  const won = callers.map(({ driver }) => driver.read()["replacements"] ?? 0);
  expect(won.toSorted(ascending)).toEqual([0, 0, 1]);
  const lost = callers.map(({ driver }) => driver.read()["replacementsLost"] ?? 0);
  expect(lost.toSorted(ascending)).toEqual([0, 1, 1]);
});

test("before lease and grace are over an owned link of a silent pod is not moved", async () => {
  const here = await world(2);
  await ownedByPod0(here);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + GRACE_MS - 200);
  const refused = await rejection(here.rooms.resolve("alice"), "POD_UNAVAILABLE");
  expect(refused.retryable).toBe(true);
  expect(refused.retryAfterMs).toBeGreaterThan(0);
  expect(refused.retryAfterMs).toBeLessThanOrEqual(400);
  expect(await stored(here.store, "alice")).toMatchObject({ podIndex: 0 });
});

test("callers that wait for the same moment are told to come back spread", async () => {
  const here = await world(2);
  for (const uid of ["alice", "bob", "carol"]) await ownedByPod0(here, uid);
  await here.pods[0]?.say({ serviceState: "NotReady" });
  await here.clock.advance(HAND_OVER_MS);
  const hints = await Promise.all(
    ["alice", "bob", "carol"].map(
      async (uid) => (await rejection(here.rooms.resolve(uid), "POD_UNAVAILABLE")).retryAfterMs,
    ),
  );
  expect(new Set(hints).size).toBe(3);
});

test("the confirming reading is begun when the grace ends: the first user after it costs no other", async () => {
  const here = await world(2, { routes: { stateRefreshMs: 400 } });
  await ownedByPod0(here);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + 100);
  const { retryAfterMs = 0 } = await rejection(here.rooms.resolve("alice"), "POD_UNAVAILABLE");
  await here.clock.advance(retryAfterMs);
  here.line.resetCounts();
  expect((await here.rooms.resolve("alice")).podIndex).toBe(1);
  expect(here.line.calls.readPods).toBe(0);
  expect(here.line.operations).toMatchObject({ setIfAbsent: 1, replace: 1 });
});

test("without a reading begun after the grace the flight makes one, and then moves the link", async () => {
  const here = await world(2, { routes: { stateRefreshMs: 400 } });
  await ownedByPod0(here);
  here.pods[0]?.crash();
  // No caller asked before, so no confirming reading was scheduled.
  await here.clock.advance(LEASE_MS + GRACE_MS + 20);
  here.line.resetCounts();
  expect((await here.rooms.resolve("alice")).podIndex).toBe(1);
  expect(here.line.calls.readPods).toBe(1);
});

test("a pod that reports again within the grace keeps its users", async () => {
  const here = await world(2);
  await ownedByPod0(here);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + GRACE_MS / 2);
  await rejection(here.rooms.resolve("alice"), "POD_UNAVAILABLE");
  await here.pods[0]?.wake();
  await here.clock.advance(GRACE_MS);
  expect((await here.rooms.resolve("alice")).podIndex).toBe(0);
});

test("a reservation for a silent pod is replaced when its lease is over", async () => {
  const here = await world(2);
  await reservedForPod0(here);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + 2 * HEARTBEAT_MS);
  expect((await here.rooms.resolve("alice")).podIndex).toBe(1);
});

test.each([
  ["said goodbye", (here: World) => here.pods[0]?.leave()],
  ["is Failed", (here: World) => here.pods[0]?.say({ serviceState: "Failed" })],
  ["is Shutdown", (here: World) => here.pods[0]?.say({ routingState: "Shutdown" })],
] as const)("the links of a pod that %s are replaced at once, owned or reserved", async (_what, end) => {
  const here = await world(2, { observed: true });
  await ownedByPod0(here, "alice");
  await reservedForPod0(here, "bob");
  await end(here);
  await here.clock.advance(20);
  expect((await here.rooms.resolve("alice")).podIndex).toBe(1);
  expect((await here.rooms.resolve("bob")).podIndex).toBe(1);
  expect(here.observer.eventsOf("link-replaced")).toHaveLength(2);
});

test("failover never leaves the owned links of a silent pod, and moves its reservations", async () => {
  const here = await world(2, { driver: { failover: { mode: "never" } } });
  await ownedByPod0(here, "alice");
  await reservedForPod0(here, "bob");
  here.pods[0]?.crash();
  await here.clock.advance(20 * LEASE_MS);
  const { retryAfterMs } = await rejection(here.rooms.resolve("alice"), "POD_UNAVAILABLE");
  expect(retryAfterMs).toBeGreaterThan(0);
  expect((await here.rooms.resolve("bob")).podIndex).toBe(1);
  expect(await stored(here.store, "alice")).toMatchObject({ podIndex: 0 });
});

test("a pod that isn't ready has the time to hand its users over, counted across its incarnations", async () => {
  const here = await world(2);
  await ownedByPod0(here);
  await here.pods[0]?.say({ serviceState: "NotReady" });
  await here.clock.advance(HAND_OVER_MS / 2);
  await rejection(here.rooms.resolve("alice"), "POD_UNAVAILABLE");
  await here.pods[0]?.start({ serviceState: "NotReady" });
  await here.pods[0]?.claim("alice");
  await here.clock.advance(HAND_OVER_MS / 2 + GRACE_MS - 200);
  await rejection(here.rooms.resolve("alice"), "POD_UNAVAILABLE");
  await here.clock.advance(400);
  expect((await here.rooms.resolve("alice")).podIndex).toBe(1);
});

test("a reservation for a pod that isn't ready is replaced at once", async () => {
  const here = await world(2);
  await reservedForPod0(here);
  await here.pods[0]?.say({ serviceState: "NotReady" });
  await here.clock.advance(20);
  expect((await here.rooms.resolve("alice")).podIndex).toBe(1);
});

test("a pod that is back, Ready, under a higher incarnation inherits its links", async () => {
  const here = await world(2);
  await ownedByPod0(here);
  const before = here.pods[0]?.incarnation;
  await here.pods[0]?.start();
  await here.clock.advance(200);
  here.rooms.forget("alice");
  const link = await here.rooms.resolve("alice");
  expect(link).toMatchObject({ podIndex: 0, incarnation: before, kind: "owned" });
  expect((await here.rooms.target("alice")).incarnation).toBe(here.pods[0]?.incarnation);
});

test("a pod that is back but not Ready loses a link once lease and grace of the link's incarnation are over", async () => {
  const here = await world(2);
  await ownedByPod0(here);
  await here.pods[0]?.start({ serviceState: "Pending" });
  await here.clock.advance(LEASE_MS + GRACE_MS - 400);
  await rejection(here.rooms.resolve("alice"), "POD_UNAVAILABLE");
  await here.clock.advance(500);
  expect((await here.rooms.resolve("alice")).podIndex).toBe(1);
});

test("a link of a higher incarnation than the row has the pods read first, and replaces nothing", async () => {
  const here = await world(2, { routes: { stateRefreshMs: 600, silenceMs: 250, eventNotification: false } });
  await ownedByPod0(here);
  await here.pods[0]?.say({ serviceState: "NotReady" });
  await here.clock.advance(5000);
  // The pod is back and has claimed; this caller has not heard of it yet.
  await here.pods[0]?.start({ serviceState: "Ready" });
  await here.pods[0]?.claim("alice");
  here.rooms.forget("alice");
  here.line.resetCounts();
  const link = await here.rooms.resolve("alice");
  expect(link).toMatchObject({ podIndex: 0, incarnation: here.pods[0]?.incarnation });
  expect(here.line.calls).toMatchObject({ readPods: 1, execute: 1 });
});

test("a link that names a pod without a row has the pods read first", async () => {
  const here = await world(1, { routes: { stateRefreshMs: 600, eventNotification: false } });
  const newcomer = await here.pod(7);
  await here.driver.setLinkedPodIfAbsent({ service: "room", uid: "alice" }, newcomer.podIndex);
  here.line.resetCounts();
  expect((await here.rooms.resolve("alice")).podIndex).toBe(7);
  expect(here.line.calls).toMatchObject({ readPods: 1, execute: 1 });
});

test("a reservation for a pod that never was is replaced", async () => {
  const here = await world(1);
  await here.driver.setLinkedPodIfAbsent({ service: "room", uid: "alice" }, 9);
  expect((await here.rooms.resolve("alice")).podIndex).toBe(0);
});

test("with nobody else to take it a dead pod's link stays, and callers hear that no pod is routable", async () => {
  const here = await world(1);
  await ownedByPod0(here);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + GRACE_MS + 200);
  await rejection(here.rooms.resolve("alice"), "NO_ROUTABLE_POD");
  expect(await stored(here.store, "alice")).toMatchObject({ podIndex: 0, kind: "owned" });
});

test("start-up freeze: a caller that has just started moves no owned link of a silent pod for one lease", async () => {
  const here = await world(2);
  await ownedByPod0(here);
  here.pods[0]?.crash();
  await here.clock.advance(10 * LEASE_MS);
  const { rooms } = await here.caller({ settled: false });
  await rejection(rooms.resolve("alice"), "POD_UNAVAILABLE");
  await here.clock.advance(LEASE_MS - 50);
  await rejection(rooms.resolve("alice"), "POD_UNAVAILABLE");
  await here.clock.advance(100);
  expect((await rooms.resolve("alice")).podIndex).toBe(1);
});

test("a link that pods pass round faster than anybody can tell ends in an error, not in a loop", async () => {
  const here = await world(3);
  await reservedForPod0(here);
  await here.pods[0]?.leave();
  await here.clock.advance(20);
  // Each replacement is beaten by another that names the pod that left.
  here.line.on("execute", async ({ args: [op] }) => {
    if ((op as { kind: string }).kind !== "replace") return;
    await here.store.execute({
      kind: "set",
      namespace: "prod",
      service: "room",
      uid: "alice",
      owner: { podIndex: 0 },
      lifetime: { ttlMs: 1000 },
    });
  });
  await rejection(here.rooms.resolve("alice"), "POD_UNAVAILABLE");
  expect(here.line.operations.replace).toBeLessThan(10);
});

test("a pod that restarts again and again without getting ready doesn't keep the links of its first life", async () => {
  const here = await world(2);
  await ownedByPod0(here);
  for (let life = 0; life < 4; life += 1) {
    await here.pods[0]?.start({ serviceState: "Pending" });
    await here.clock.advance(LEASE_MS / 2);
    await here.rooms.resolve("alice").catch(() => undefined);
  }
  await here.pods[0]?.start({ serviceState: "Pending" });
  await here.clock.advance(200);
  expect((await here.rooms.resolve("alice")).podIndex).toBe(1);
});

test("a pod that was not ready when the readings began to fail keeps its users: it may be ready again", async () => {
  const here = await world(2);
  await ownedByPod0(here);
  await here.pods[0]?.say({ serviceState: "NotReady" });
  await here.clock.advance(200);
  const failing = here.line.on("readPods", () => {
    throw new Error("the node of the pods is down");
  });
  await here.clock.advance(HAND_OVER_MS + GRACE_MS + LEASE_MS);
  expect(await within(here.clock, 500, codeOf(here.rooms.resolve("alice")))).not.toBe("resolved");
  expect(await stored(here.store, "alice")).toMatchObject({ podIndex: 0, kind: "owned" });
  failing.close();
});
