import { expect, test } from "vitest";
import type { PodEnd } from "../src/index.ts";
import type { CallerOptions, World } from "./support/world.ts";
import { GRACE_MS, HEARTBEAT_MS, LEASE_MS, world } from "./support/world.ts";

/** A moment's worth of readings and heartbeats. */
const SOON_MS = 2 * HEARTBEAT_MS + 100;

async function listening(pods: number, options?: CallerOptions): Promise<World & { readonly ends: PodEnd[] }> {
  const here = await world(pods, options);
  const ends: PodEnd[] = [];
  here.rooms.onPodEnd((end) => ends.push(end));
  return { ...here, ends };
}

const lifeOf = ({ pods }: World, podIndex: number): PodEnd => ({
  podIndex,
  incarnation: pods[podIndex]?.incarnation ?? Number.NaN,
});

test("a silent pod's life is over when its links may be moved, not when its lease is", async () => {
  const here = await listening(2);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + GRACE_MS - HEARTBEAT_MS);
  expect(here.ends).toEqual([]);
  await here.clock.advance(HEARTBEAT_MS + SOON_MS);
  expect(here.ends).toEqual([lifeOf(here, 0)]);
});

test("a pod that is back within the grace goes on living", async () => {
  const here = await listening(2);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + GRACE_MS / 2);
  await here.pods[0]?.wake();
  await here.clock.advance(5 * LEASE_MS);
  expect(here.ends).toEqual([]);
});

test("a pod that left, and one that failed, are over after the grace", async () => {
  const here = await listening(3);
  await here.pods[0]?.leave();
  await here.pods[1]?.say({ serviceState: "Failed" });
  await here.clock.advance(GRACE_MS - HEARTBEAT_MS);
  expect(here.ends).toEqual([]);
  await here.clock.advance(SOON_MS);
  expect(here.ends).toEqual([lifeOf(here, 0), lifeOf(here, 1)]);
});

test("a life that another one follows is over at once, but not at the same address: it registered again", async () => {
  const here = await listening(2);
  const before = lifeOf(here, 0);
  await here.pods[0]?.start();
  await here.clock.advance(SOON_MS);
  expect(here.ends).toEqual([]);
  const again = lifeOf(here, 0);
  expect(again.incarnation).toBeGreaterThan(before.incarnation);
  await here.pods[0]?.start({ address: { host: "127.0.0.1", httpPort: 4000 } });
  await here.clock.advance(SOON_MS);
  expect(here.ends).toEqual([again]);
});

test("nothing is over while the store can't be read", async () => {
  const here = await listening(2);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + HEARTBEAT_MS);
  here.line.cut();
  await here.clock.advance(5 * LEASE_MS);
  expect(here.ends).toEqual([]);
  here.line.heal();
  await here.clock.advance(3 * LEASE_MS);
  expect(here.ends).toEqual([lifeOf(here, 0)]);
});

test("nothing is over while so many are silent that the store is the suspect", async () => {
  const here = await listening(5, { driver: { panicMs: 10 * LEASE_MS } });
  for (const podIndex of [0, 1, 2]) here.pods[podIndex]?.crash();
  await here.clock.advance(9 * LEASE_MS);
  expect(here.ends).toEqual([]);
  await here.clock.advance(3 * LEASE_MS);
  expect(here.ends).toEqual([0, 1, 2].map((podIndex) => lifeOf(here, podIndex)));
});

test('with failover "never" silence ends nothing', async () => {
  const here = await listening(2, { driver: { failover: { mode: "never" } } });
  here.pods[0]?.crash();
  await here.clock.advance(10 * LEASE_MS);
  expect(here.ends).toEqual([]);
});

test("it makes no call, and after close it tells nothing and has no timer", async () => {
  const here = await listening(2);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + HEARTBEAT_MS);
  await here.driver.close();
  await here.clock.advance(5 * LEASE_MS);
  expect(here.ends).toEqual([]);
  expect(here.line.calls.execute).toBe(0);
});
