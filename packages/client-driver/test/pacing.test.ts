import { RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import { GRACE_MS, HEARTBEAT_MS, LEASE_MS, rejection, SERVICE, world } from "./support/world.ts";

async function usersOfADeadPod(count: number, ratePerSecond: number) {
  const here = await world(3, { driver: { failover: { ratePerSecond } } });
  const users = Array.from({ length: count }, (_, index) => `user${index}`);
  for (const uid of users) {
    await here.driver.setLinkedPodIfAbsent({ service: SERVICE, uid }, 0);
    await here.pods[0]?.claim(uid);
  }
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + GRACE_MS + 2 * HEARTBEAT_MS);
  return { ...here, users };
}

test("the users of a dead pod are moved at ratePerSecond, the others hear when to come back", async () => {
  const { rooms, users, clock, driver } = await usersOfADeadPod(100, 50);
  const startedAtMs = clock.nowMs();
  const waiting = new Set(users);
  const hints: number[] = [];
  while (waiting.size > 0 && clock.nowMs() - startedAtMs < 10_000) {
    for (const uid of waiting) {
      const link = await rooms.resolve(uid).catch((error: unknown) => {
        if (!RouteError.is(error) || error.code !== "POD_UNAVAILABLE") throw error;
        hints.push(error.retryAfterMs ?? 0);
        return undefined;
      });
      if (link !== undefined) waiting.delete(uid);
    }
    await clock.advance(20);
  }
  const tookMs = clock.nowMs() - startedAtMs;
  expect(tookMs).toBeGreaterThanOrEqual(1700);
  expect(tookMs).toBeLessThanOrEqual(2250);
  expect(Math.min(...hints)).toBeGreaterThan(0);
  expect(new Set(hints).size).toBeGreaterThan(20);
  expect(driver.read()["pacedOut"]).toBe(hints.length);
});

test("many calls for one uid take one turn of the pace", async () => {
  const { rooms } = await usersOfADeadPod(2, 1);
  const links = await Promise.all(Array.from({ length: 50 }, () => rooms.resolve("user0")));
  expect(new Set(links.map(({ token }) => token)).size).toBe(1);
  await rejection(rooms.resolve("user1"), "POD_UNAVAILABLE");
});

test("the users of a pod that said goodbye are not paced", async () => {
  const here = await world(3, { driver: { failover: { ratePerSecond: 1 } } });
  for (let user = 0; user < 20; user += 1) {
    await here.driver.setLinkedPodIfAbsent({ service: SERVICE, uid: `user${user}` }, 0);
  }
  await here.pods[0]?.leave();
  await here.clock.advance(20);
  const links = await Promise.all(Array.from({ length: 20 }, (_, user) => here.rooms.resolve(`user${user}`)));
  expect(links.every(({ podIndex }) => podIndex !== 0)).toBe(true);
});
