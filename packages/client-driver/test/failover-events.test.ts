import type { LinkStore } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import type { World } from "./support/world.ts";
import { GRACE_MS, HEARTBEAT_MS, LEASE_MS, NAMESPACE, rejection, SERVICE, world } from "./support/world.ts";

const PANIC_MS = 2 * LEASE_MS;

/** One owned link at pod 0, and the first `dead` pods silent past their lease. */
async function silent(here: World, dead: number): Promise<void> {
  await here.driver.setLinkedPodIfAbsent({ service: SERVICE, uid: "ann" }, 0);
  await here.pods[0]?.claim("ann");
  for (const pod of here.pods.slice(0, dead)) pod.crash();
  await here.clock.advance(LEASE_MS + 2 * HEARTBEAT_MS);
}

const panicsOf = ({ observer }: World): boolean[] => observer.eventsOf("panic").map(({ active }) => active);

test("the end of a panic is told when it ends, although nobody asks any more", async () => {
  const here = await world(5, { observed: true });
  await silent(here, 3);
  await rejection(here.rooms.resolve("ann"), "POD_UNAVAILABLE");
  await here.clock.advance(PANIC_MS / 2);
  expect(panicsOf(here)).toEqual([true]);
  await here.clock.advance(PANIC_MS);
  expect(panicsOf(here)).toEqual([true, false]);
  await here.clock.advance(10 * PANIC_MS);
  expect(panicsOf(here)).toEqual([true, false]);
  expect(here.driver.read()["panics"]).toBe(1);
});

test("a panic is over, and told to be, as soon as the pods report again", async () => {
  const here = await world(5, { observed: true });
  await silent(here, 3);
  await rejection(here.rooms.resolve("ann"), "POD_UNAVAILABLE");
  for (const pod of here.pods.slice(0, 3)) await pod.wake();
  await here.clock.advance(500);
  expect(panicsOf(here)).toEqual([true, false]);
});

test("a driver that is closed in a panic tells nothing more and leaves no timer", async () => {
  const here = await world(5, { observed: true });
  await silent(here, 3);
  await rejection(here.rooms.resolve("ann"), "POD_UNAVAILABLE");
  const before = here.clock.pendingTimers;
  await here.driver.close();
  expect(here.clock.pendingTimers).toBeLessThan(before);
  await here.clock.advance(10 * PANIC_MS);
  expect(panicsOf(here)).toEqual([true]);
});

test("each move that the panic or the pace holds back is told once, with the pod that the link names", async () => {
  const here = await world(3, { observed: true, driver: { failover: { ratePerSecond: 1 } } });
  for (const uid of ["bob", "cy"]) {
    await here.driver.setLinkedPodIfAbsent({ service: SERVICE, uid }, 0);
    await here.pods[0]?.claim(uid);
  }
  await silent(here, 1);
  await here.clock.advance(GRACE_MS);
  for (const uid of ["ann", "bob", "cy"]) await here.rooms.resolve(uid).catch(() => undefined);
  const named = { namespace: NAMESPACE, service: SERVICE, podIndex: 0 };
  expect(here.observer.eventsOf("link-replaced")).toEqual([{ kind: "link-replaced", ...named, reason: "silent" }]);
  expect(here.observer.eventsOf("move-refused")).toEqual([
    { kind: "move-refused", ...named, because: "pace" },
    { kind: "move-refused", ...named, because: "pace" },
  ]);
  expect(here.driver.read()).toMatchObject({ replacements: 1, pacedOut: 2 });
});

test("a move that a panic holds back is told as such", async () => {
  const here = await world(5, { observed: true });
  await silent(here, 3);
  await here.clock.advance(GRACE_MS);
  await rejection(here.rooms.resolve("ann"), "POD_UNAVAILABLE");
  expect(here.observer.eventsOf("move-refused")).toMatchObject([{ podIndex: 0, because: "panic" }]);
});

test("a record that is not ours to touch is told and counted, each time an operation meets it", async () => {
  const corrupt = new RouteError("CORRUPT", "the stored link has a newer format", { outcome: "not-applied" });
  const links = (line: LinkStore): LinkStore => ({
    ...line,
    execute: () => Promise.reject(corrupt),
    executeAll: () => Promise.reject(corrupt),
    servicesOf: () => Promise.reject(corrupt),
  });
  const here = await world(1, { observed: true, links });
  await rejection(here.rooms.resolve("ann"), "CORRUPT");
  await rejection(here.driver.getLinkedPodNotCache({ service: SERVICE, uid: "ann" }), "CORRUPT");
  expect(here.observer.eventsOf("corrupt")).toEqual([
    { kind: "corrupt", namespace: NAMESPACE, service: SERVICE },
    { kind: "corrupt", namespace: NAMESPACE, service: SERVICE },
  ]);
  expect(here.driver.read()["corrupt"]).toBe(2);
});
