import { expect, test } from "vitest";
import type { PodStatus } from "../src/index.ts";
import type { World } from "./support/world.ts";
import { GRACE_MS, HAND_OVER_MS, HEARTBEAT_MS, LEASE_MS, world } from "./support/world.ts";

const podOf = ({ rooms }: Pick<World, "rooms">, podIndex: number): PodStatus => {
  const pod = rooms.status().pods.find(({ row }) => row.podIndex === podIndex);
  if (pod === undefined) throw new Error(`no pod ${podIndex}`);
  return pod;
};

test("a pod that reports and takes users serves its links", async () => {
  const here = await world(2);
  const pod = podOf(here, 0);
  expect(pod).toMatchObject({ alive: true, available: true, routable: true, warmth: 1, links: "served" });
  expect(pod).not.toHaveProperty("notRoutable");
  expect(pod.lastReportAgeMs).toBeLessThanOrEqual(350);
  expect(pod.leaseEndsInMs).toBe(LEASE_MS - (pod.lastReportAgeMs ?? 0));
  expect(here.rooms.status()).toMatchObject({ readingsFail: false, panic: false });
});

test("of a silent pod it says how long its users wait, then that they are moved", async () => {
  const here = await world(2);
  here.pods[0]?.crash();
  await here.clock.advance(LEASE_MS + HEARTBEAT_MS);
  const silent = podOf(here, 0);
  expect(silent).toMatchObject({ alive: false, notRoutable: "silent", links: "waiting" });
  expect(silent.leaseEndsInMs).toBeLessThan(0);
  expect(silent.linksWaitForMs).toBe(GRACE_MS + (silent.leaseEndsInMs ?? 0));
  await here.clock.advance(GRACE_MS);
  expect(podOf(here, 0)).toMatchObject({ notRoutable: "silent", links: "moving" });
});

test("of a pod that isn't ready it says since when, and how long it has to hand its users over", async () => {
  const here = await world(2);
  await here.pods[0]?.say({ serviceState: "NotReady" });
  await here.clock.advance(500);
  const pod = podOf(here, 0);
  expect(pod).toMatchObject({ alive: true, notRoutable: "not-ready", links: "waiting" });
  expect(pod.notAvailableForMs).toBeGreaterThanOrEqual(490);
  expect(pod.linksWaitForMs).toBe(HAND_OVER_MS + GRACE_MS - (pod.notAvailableForMs ?? 0));
});

test.each([
  [{ routingState: "DenyNewCall" }, "denies-new-calls", "served"],
  [{ loadScore: 96 }, "overloaded", "served"],
  [{ serviceState: "Pending" }, "pending", "waiting"],
  [{ serviceState: "Failed" }, "failed", "moving"],
  [{ routingState: "Shutdown" }, "shutdown", "moving"],
] as const)("a pod that says %j gets no new users: %s; its own are %s", async (said, notRoutable, links) => {
  const here = await world(2);
  await here.pods[0]?.say(said);
  await here.clock.advance(200);
  expect(podOf(here, 0)).toMatchObject({ routable: false, notRoutable, links });
});

test("in a panic the users of silent pods wait for its end", async () => {
  const here = await world(5);
  for (const pod of here.pods.slice(0, 3)) pod.crash();
  await here.clock.advance(LEASE_MS + GRACE_MS + 2 * HEARTBEAT_MS);
  const { panic, panicForMs } = here.rooms.status();
  expect(panic).toBe(true);
  expect(panicForMs).toBeGreaterThan(0);
  expect(podOf(here, 0)).toMatchObject({ links: "waiting", linksWaitForMs: panicForMs });
  await here.clock.advance(panicForMs ?? 0);
  expect(here.rooms.status().panic).toBe(false);
  expect(podOf(here, 0)).toMatchObject({ links: "moving" });
});

test("while the store is down it says so, and how old what it shows is", async () => {
  const here = await world(2, { driver: { staleWhileDownMs: 5000 }, routes: { staleWhileDownMs: 5000 } });
  here.line.cut();
  await here.clock.advance(2000);
  const status = here.rooms.status();
  expect(status.readingsFail).toBe(true);
  expect(status.readingAgeMs).toBeGreaterThanOrEqual(1900);
  expect(podOf(here, 0)).toMatchObject({ alive: true, links: "served" });
  await here.clock.advance(4000);
  expect(podOf(here, 0)).toMatchObject({ alive: false, notRoutable: "not-seen" });
});

test("in its slow start a pod shows its share of new users", async () => {
  const here = await world(1, { routes: { slowStartMs: 10_000 } });
  expect(podOf(here, 0).warmth).toBeGreaterThanOrEqual(0.1);
  expect(podOf(here, 0).warmth).toBeLessThan(0.2);
  await here.clock.advance(4000);
  expect(podOf(here, 0).warmth).toBeCloseTo(0.5, 1);
});
