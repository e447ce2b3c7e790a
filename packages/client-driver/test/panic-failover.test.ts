import { expect, test } from "vitest";
import type { World } from "./support/world.ts";
import { GRACE_MS, HEARTBEAT_MS, LEASE_MS, rejection, SERVICE, stored, world } from "./support/world.ts";

const PANIC_MS = 2 * LEASE_MS;

/** Owned links, user0 at pod 0, user1 at pod 1, and so on. */
async function ownedByEach({ driver, pods }: World): Promise<void> {
  for (const { podIndex } of pods) {
    await driver.setLinkedPodIfAbsent({ service: SERVICE, uid: `user${podIndex}` }, podIndex);
    await pods[podIndex]?.claim(`user${podIndex}`);
  }
}

function crash({ pods }: World, ...podIndexes: number[]): void {
  for (const podIndex of podIndexes) pods[podIndex]?.crash();
}

test("most pods silent at once: nothing is moved for panicMs, then the paced rate goes on", async () => {
  const here = await world(5, { observed: true });
  await ownedByEach(here);
  crash(here, 0, 1, 2);
  await here.clock.advance(LEASE_MS + GRACE_MS + 2 * HEARTBEAT_MS);
  const refused = await rejection(here.rooms.resolve("user0"), "POD_UNAVAILABLE");
  expect(refused.retryAfterMs).toBeGreaterThan(0);
  expect(await stored(here.store, "user0")).toMatchObject({ podIndex: 0 });
  expect(here.driver.read()["panicHeld"]).toBe(1);
  await here.clock.advance(PANIC_MS - GRACE_MS - 4 * HEARTBEAT_MS);
  await rejection(here.rooms.resolve("user0"), "POD_UNAVAILABLE");
  await here.clock.advance(4 * HEARTBEAT_MS);
  expect((await here.rooms.resolve("user0")).podIndex).toBeGreaterThan(2);
  expect(here.observer.eventsOf("panic").map(({ active }) => active)).toEqual([true, false]);
});

test("in a panic nothing at all is moved, not even from a pod that said goodbye", async () => {
  const here = await world(6);
  await ownedByEach(here);
  crash(here, 0, 1, 2, 3);
  await here.clock.advance(LEASE_MS + 2 * HEARTBEAT_MS);
  await here.pods[4]?.leave();
  await here.clock.advance(20);
  await rejection(here.rooms.resolve("user4"), "POD_UNAVAILABLE");
  await here.clock.advance(PANIC_MS);
  expect((await here.rooms.resolve("user4")).podIndex).toBe(5);
});

test("after a panic all moves are paced, also those of a pod that said goodbye", async () => {
  const here = await world(6, { driver: { failover: { ratePerSecond: 10 } } });
  await ownedByEach(here);
  for (const uid of ["a", "b"]) await here.driver.setLinkedPodIfAbsent({ service: SERVICE, uid }, 4);
  crash(here, 0, 1, 2, 3);
  await here.clock.advance(LEASE_MS + PANIC_MS + 3 * HEARTBEAT_MS);
  await here.pods[4]?.leave();
  await here.clock.advance(20);
  expect((await here.rooms.resolve("a")).podIndex).toBe(5);
  const refused = await rejection(here.rooms.resolve("b"), "POD_UNAVAILABLE");
  expect(refused.retryAfterMs).toBeLessThanOrEqual(260);
});

test("nobody reports after a panic: nothing is moved until somebody does", async () => {
  const here = await world(3);
  await ownedByEach(here);
  crash(here, 0, 1, 2);
  await here.clock.advance(LEASE_MS + GRACE_MS + PANIC_MS + 10 * LEASE_MS);
  await rejection(here.rooms.resolve("user0"), "NO_ROUTABLE_POD");
  expect(await stored(here.store, "user0")).toMatchObject({ podIndex: 0 });
  await here.pods[1]?.wake();
  await here.clock.advance(2 * HEARTBEAT_MS);
  expect((await here.rooms.resolve("user0")).podIndex).toBe(1);
});

test("two of three pods silent at once are believed to be dead", async () => {
  const here = await world(3);
  await ownedByEach(here);
  crash(here, 0, 1);
  await here.clock.advance(LEASE_MS + GRACE_MS + 2 * HEARTBEAT_MS);
  expect((await here.rooms.resolve("user0")).podIndex).toBe(2);
});

test("new uids are placed on the pods that are left, panic or not", async () => {
  const here = await world(5);
  crash(here, 0, 1, 2);
  await here.clock.advance(LEASE_MS + 2 * HEARTBEAT_MS);
  expect((await here.rooms.resolve("alice")).podIndex).toBeGreaterThan(2);
});

test("a mass silence is seen before the first lease is over: not even one reservation moves", async () => {
  const here = await world(5);
  for (const { podIndex } of here.pods) {
    await here.driver.setLinkedPodIfAbsent({ service: SERVICE, uid: `user${podIndex}` }, podIndex);
  }
  // They fall silent one after the other, as heartbeats that are not in step do when the store fails.
  for (const podIndex of [0, 1, 2]) {
    crash(here, podIndex);
    await here.clock.advance(200);
  }
  await here.clock.advance(LEASE_MS - 480);
  expect(here.rooms.pods().map(({ alive }) => alive)).toEqual([false, true, true, true, true]);
  await rejection(here.rooms.resolve("user0"), "POD_UNAVAILABLE");
  expect(await stored(here.store, "user0")).toMatchObject({ podIndex: 0 });
});
