import { expect, test } from "vitest";
import { HeldReplies } from "./support/held-replies.ts";
import { LEASE_MS, NAMESPACE, rejection, SERVICE, stored, within, world } from "./support/world.ts";

const key = { service: SERVICE, uid: "alice" };

test("the first use after 80 % of linkInfoCacheTimeSecs renews the reservation", async () => {
  const { rooms, line, clock, store } = await world(2, { driver: { linkInfoCacheTimeSecs: 10 } });
  const link = await rooms.resolve("alice");
  await clock.advance(7900);
  expect(rooms.peek("alice")).toBe(link.podIndex);
  await clock.advance(150);
  expect(rooms.peek("alice")).toBeUndefined();
  line.resetCounts();
  expect(await rooms.resolve("alice")).toMatchObject({ podIndex: link.podIndex, token: link.token });
  expect(line.operations.setIfAbsent).toBe(1);
  expect((await stored(store, "alice"))?.expiresInMs).toBe(10_000);
});

test("an entry lives for 80 % of what its link has left", async () => {
  const { rooms, driver, clock } = await world(2);
  await driver.setLinkedPodIfAbsent(key, 0, { lifetime: { ttlMs: 1000 } });
  await clock.advance(750);
  expect(rooms.peek("alice")).toBe(0);
  await clock.advance(100);
  expect(rooms.peek("alice")).toBeUndefined();
});

test("cacheExpired and setCache return what was cached", async () => {
  const { rooms, driver } = await world(2);
  const link = await rooms.resolve("alice");
  const newer = { ...link, podIndex: 1 - link.podIndex, token: `${Number(link.token) + 1}` };
  expect(driver.setCache(newer)).toEqual(link);
  expect(rooms.peek("alice")).toBe(newer.podIndex);
  expect(driver.cacheExpired(key)).toEqual(newer);
  expect(driver.cacheExpired(key)).toBeUndefined();
  expect(driver.setCache(link)).toBeUndefined();
});

test("a lower token never replaces a higher one", async () => {
  const { rooms, driver } = await world(2);
  const link = await rooms.resolve("alice");
  const older = { ...link, podIndex: 1 - link.podIndex, token: `${Number(link.token) - 1}` };
  expect(driver.setCache(older)).toEqual(link);
  expect(driver.getLinkedInCache(key)).toEqual(link);
});

test("a fill that began before a cacheExpired of its uid is dropped, and asked again", async () => {
  const { driver, store, caller, clock } = await world(2);
  await driver.setLinkedPodIfAbsent(key, 0);
  let held: HeldReplies | undefined;
  const slow = await caller({ links: (line) => (held = new HeldReplies(line)) });
  if (held !== undefined) held.holding = true;
  const asked = slow.driver.getLinkedPod(key);
  await clock.advance(10);
  const moved = { namespace: NAMESPACE, ...key, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } };
  await store.execute({ kind: "set", ...moved });
  slow.driver.cacheExpired(key);
  if (held !== undefined) held.holding = false;
  held?.releaseAll();
  expect((await asked)?.podIndex).toBe(1);
  expect(slow.driver.getLinkedInCache(key)?.podIndex).toBe(1);
  expect(slow.driver.read()["droppedFills"]).toBe(1);
});

test("a reply that was overtaken by a newer one is not served", async () => {
  const { driver, store, caller, clock } = await world(2);
  await driver.setLinkedPodIfAbsent(key, 0);
  let held: HeldReplies | undefined;
  const slow = await caller({ links: (line) => (held = new HeldReplies(line)) });
  const replies = held as unknown as HeldReplies;
  replies.holding = true;
  const overtaken = [slow.rooms.resolve("alice"), slow.driver.getLinkedPodNotCache(key)];
  await clock.advance(10);
  const moved = { namespace: NAMESPACE, ...key, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } };
  await store.execute({ kind: "set", ...moved });
  const newer = slow.driver.getLinkedPodNotCache(key);
  await clock.advance(10);
  replies.release(2);
  expect((await newer)?.podIndex).toBe(1);
  replies.releaseAll();
  for (const link of await Promise.all(overtaken)) expect(link?.podIndex).toBe(1);
});

test("a newer cached link of a pod that is gone doesn't hide the store's", async () => {
  const { rooms, driver, store, pods, clock } = await world(2);
  const { podIndex, token } = await driver.setLinkedPodIfAbsent(key, 0);
  const lost = {
    namespace: NAMESPACE,
    ...key,
    podIndex: 1,
    token: `${Number(token) + 1}`,
    kind: "reservation",
  } as const;
  driver.setCache(lost); // as after a loss of the store's newest data
  await pods[1]?.leave();
  await clock.advance(50);
  expect((await rooms.resolve("alice")).podIndex).toBe(podIndex);
  expect(await stored(store, "alice")).toMatchObject({ podIndex, token });
});

test("a uid forgotten while it is resolved is asked for again", async () => {
  const { rooms, line, clock } = await world(2);
  line.delay(50);
  const asked = rooms.resolve("alice");
  await clock.advance(25);
  rooms.forget("alice");
  const link = await within(clock, 100, asked);
  expect(line.operations.setIfAbsent).toBe(2);
  expect(rooms.peek("alice")).toBe(link.podIndex);
});

test("a caller that comes after a forget does not join the flight from before it", async () => {
  const { rooms, driver, line, clock } = await world(2);
  line.delay(50);
  const before = rooms.resolve("alice");
  await clock.advance(25);
  rooms.forget("alice");
  const after = rooms.resolve("alice");
  await within(clock, 200, Promise.all([before, after]));
  expect(driver.read()["flights"]).toBe(2);
});

test("fault 5: setLinkedPodIfAbsent answers in one shape: fresh, there already, another's, taken", async () => {
  const { driver, pods } = await world(2);
  const fresh = await driver.setLinkedPodIfAbsent(key, 0);
  expect(fresh).toMatchObject({ podIndex: 0, kind: "reservation" });
  expect(await driver.setLinkedPodIfAbsent(key, 0)).toMatchObject({ podIndex: 0, token: fresh.token });
  expect(await driver.setLinkedPodIfAbsent(key, 1)).toMatchObject({ podIndex: 0, token: fresh.token });
  await pods[0]?.claim("alice");
  const taken = await driver.setLinkedPodIfAbsent(key, 1);
  expect(taken).toMatchObject({ podIndex: 0, kind: "owned", incarnation: pods[0]?.incarnation });
});

test("fault 7: setLinkedPodIfAbsent renews and upgrades, and never deletes a temporary link", async () => {
  const { driver, store, clock } = await world(2);
  const short = await driver.setLinkedPodIfAbsent(key, 0, { lifetime: { ttlMs: 1000 } });
  const longer = await driver.setLinkedPodIfAbsent(key, 0, { lifetime: { ttlMs: 5000 } });
  expect(longer).toMatchObject({ token: short.token, expiresInMs: 5000 });
  const persistent = await driver.setLinkedPodIfAbsent(key, 0, { lifetime: "persistent" });
  expect(persistent.podIndex).toBe(0);
  await clock.advance(6000);
  expect(await stored(store, "alice")).toMatchObject({ podIndex: 0 });
});

test("getLinkedPodInCacheOrIfPersist finds what is cached or persistent, and caches nothing that expires", async () => {
  const { driver, pods, caller, rooms } = await world(2);
  await driver.setLinkedPodIfAbsent(key, 0);
  expect((await driver.getLinkedPodInCacheOrIfPersist(key))?.podIndex).toBe(0);
  const other = await caller();
  expect(await other.driver.getLinkedPodInCacheOrIfPersist(key)).toBeUndefined();
  expect(other.driver.getLinkedInCache(key)).toBeUndefined();
  await pods[0]?.claim("alice");
  expect(await other.driver.getLinkedPodInCacheOrIfPersist(key)).toMatchObject({ podIndex: 0, kind: "owned" });
  expect(other.driver.getLinkedInCache(key)?.podIndex).toBe(0);
  expect(rooms.peek("alice")).toBe(0);
});

test("getLinkedPod asks the store when the cached link's pod is gone, and moves nothing", async () => {
  const { driver, rooms, line, pods, clock } = await world(2);
  const { podIndex } = await rooms.resolve("alice");
  await pods[podIndex]?.leave();
  await clock.advance(20);
  line.resetCounts();
  expect((await driver.getLinkedPod(key))?.podIndex).toBe(podIndex);
  expect(line.operations).toMatchObject({ get: 1, setIfAbsent: 0, replace: 0 });
});

test("getLinkService names all services of a uid", async () => {
  const { driver } = await world(2);
  await driver.setLinkedPodIfAbsent(key, 0);
  await driver.setLinkedPodIfAbsent({ service: "hall", uid: "alice" }, 1);
  const services = await driver.getLinkService("alice");
  expect(new Map([...services].map(([service, link]) => [service, link.podIndex]))).toEqual(
    new Map([
      ["room", 0],
      ["hall", 1],
    ]),
  );
});

test("fault 8: batchGetLinkedPod takes 10,000 uids in one call, and no more", async () => {
  const { driver, line } = await world(2);
  const uids = Array.from({ length: 10_000 }, (_, index) => `user${index}`);
  for (const uid of uids.slice(0, 10)) await driver.setLinkedPodIfAbsent({ service: SERVICE, uid }, 1);
  line.resetCounts();
  const byPod = await driver.batchGetLinkedPod({ service: SERVICE, uids });
  expect(byPod).toEqual(new Map([[1, uids.slice(0, 10)]]));
  expect(line.calls.podsOf).toBe(1);
  await rejection(driver.batchGetLinkedPod({ service: SERVICE, uids: [...uids, "one more"] }), "INVALID_ARGUMENT");
});

test("the cache is bounded by maxCachedLinks", async () => {
  const { rooms, driver } = await world(2, { driver: { maxCachedLinks: 10, hotEntries: 0 } });
  for (let user = 0; user < 50; user += 1) await rooms.resolve(`user${user}`);
  expect(driver.read()).toMatchObject({ size: 10, evictions: 40 });
});

test("hits and misses are counted once each", async () => {
  const { rooms, driver } = await world(2);
  await rooms.resolve("alice");
  for (let call = 0; call < 9; call += 1) await rooms.resolve("alice");
  rooms.peek("nobody");
  expect(driver.read()).toMatchObject({ hits: 9, misses: 2, resolves: 10 });
});

test("the cache is per service: the same uid in two services are two entries", async () => {
  const { driver, clock } = await world(2);
  await driver.setLinkedPodIfAbsent(key, 0);
  expect(driver.getLinkedInCache({ service: "hall", uid: "alice" })).toBeUndefined();
  await clock.advance(LEASE_MS);
  expect(driver.getLinkedInCache(key)?.podIndex).toBe(0);
});
