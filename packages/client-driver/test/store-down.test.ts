import { expect, test } from "vitest";
import { codeOf, COMMAND_TIMEOUT_MS, rejection, SERVICE, within, world } from "./support/world.ts";

test("store down: cached links are served, counted, for staleWhileDownMs and no longer", async () => {
  const { rooms, driver, line, clock, observer } = await world(2, {
    observed: true,
    driver: { staleWhileDownMs: 10_000 },
  });
  const link = await rooms.resolve("alice");
  line.cut();
  await clock.advance(9500);
  expect(await rooms.resolve("alice")).toEqual(link);
  expect(rooms.peek("alice")).toBe(link.podIndex);
  expect(driver.read()["staleServed"]).toBe(2);
  expect(observer.eventsOf("stale-link-served")).toHaveLength(2);
  await clock.advance(1000);
  expect(rooms.peek("alice")).toBeUndefined();
  await rejection(rooms.resolve("alice"), "STORE_UNAVAILABLE");
});

test("store down: no pod dies of it, however long its lease is over", async () => {
  const { rooms, line, clock } = await world(2);
  const link = await rooms.resolve("alice");
  line.cut();
  await clock.advance(60_000);
  expect((await rooms.target("alice")).podIndex).toBe(link.podIndex);
});

test("store down: a cached link whose time is over is served all the same", async () => {
  const { rooms, driver, line, clock } = await world(2, { driver: { linkInfoCacheTimeSecs: 10 } });
  const link = await rooms.resolve("alice");
  line.cut();
  await clock.advance(20_000);
  expect(rooms.peek("alice")).toBeUndefined();
  expect(await rooms.resolve("alice")).toMatchObject({ podIndex: link.podIndex, token: link.token });
  expect(driver.read()["staleServed"]).toBe(1);
});

test("store down: a cached link of a pod that was gone before is not served", async () => {
  const { rooms, pods, line, clock } = await world(2, { driver: { linkInfoCacheTimeSecs: 10 } });
  const { podIndex } = await rooms.resolve("alice");
  await pods[podIndex]?.leave();
  await clock.advance(50);
  line.cut();
  await rejection(rooms.resolve("alice"), "STORE_UNAVAILABLE");
  await clock.advance(20_000);
  await rejection(rooms.resolve("alice"), "STORE_UNAVAILABLE");
});

test("store down: new placements fail at once, without being sent", async () => {
  const { rooms, line, clock } = await world(2);
  line.cut();
  await clock.advance(300);
  await rejection(rooms.resolve("bob"), "STORE_UNAVAILABLE");
  line.resetCounts();
  const refused = await rejection(rooms.resolve("carol"), "STORE_UNAVAILABLE");
  expect(refused).toMatchObject({ outcome: "not-applied", retryable: true });
  expect(line.totalCalls).toBe(0);
});

test("a store that hangs: the first call ends in time, those after it at once", async () => {
  const { rooms, line, clock } = await world(2);
  line.hang();
  const first = rejection(rooms.resolve("bob"), "TIMEOUT");
  expect(await within(clock, COMMAND_TIMEOUT_MS, first)).toMatchObject({ outcome: "unknown" });
  await clock.advance(300);
  await rejection(rooms.resolve("carol"), "STORE_UNAVAILABLE");
});

test("everything returns by itself when the store does", async () => {
  const { rooms, line, clock } = await world(2);
  const link = await rooms.resolve("alice");
  line.hang();
  const lost = rejection(rooms.resolve("bob"), "TIMEOUT");
  await clock.advance(5000);
  await lost;
  line.heal();
  await clock.advance(2000);
  expect((await rooms.resolve("bob")).uid).toBe("bob");
  expect(await rooms.resolve("alice")).toEqual(link);
});

test("a reply that is lost has made the reservation: the next call finds it", async () => {
  const { rooms, line } = await world(3);
  line.dropReplies(1);
  await rejection(rooms.resolve("alice"), "TIMEOUT");
  const link = await rooms.resolve("alice");
  expect(link.uid).toBe("alice");
  expect(line.operations.setIfAbsent).toBe(2);
});

test("every method settles in time on a store that never answers", async () => {
  const { driver, rooms, line, clock } = await world(2);
  const target = await rooms.target("alice");
  line.hang();
  const key = { service: SERVICE, uid: "bob" };
  const calls = [
    driver.computeLinkedPod(key),
    driver.getLinkedPod(key),
    driver.getLinkedPodInCacheOrIfPersist(key),
    driver.getLinkedPodNotCache(key),
    driver.getLinkService("bob"),
    driver.batchGetLinkedPod({ service: SERVICE, uids: ["bob"] }),
    driver.setLinkedPodIfAbsent(key, 0),
    driver.service("hall").init({ timeoutMs: 200 }),
    rooms.target("bob"),
    rooms.misdirected(target, undefined),
  ].map(codeOf);
  const settled = await within(clock, 600, Promise.all(calls));
  expect(driver.read()["waiting"]).toBe(0);
  for (const code of settled) expect(["TIMEOUT", "STORE_UNAVAILABLE"]).toContain(code);
});

test("a cold caller of a store that is down fails in time, and works when it is up", async () => {
  const { caller, clock } = await world(2);
  const { rooms, line } = await caller({ settled: false });
  line.cut();
  const failed = codeOf(rooms.resolve("alice"));
  expect(["STORE_UNAVAILABLE", "TIMEOUT"]).toContain(await within(clock, 500, failed));
  line.heal();
  await clock.advance(2000);
  expect((await rooms.resolve("alice")).uid).toBe("alice");
});

test("one lost answer is no store that is down: the next placement is sent", async () => {
  const { rooms, line, clock } = await world(2);
  line.dropRequests(1);
  await rejection(rooms.resolve("alice"), "TIMEOUT");
  expect((await rooms.resolve("bob")).uid).toBe("bob");
  // Readings that fail after the links worked again are none either.
  const failing = line.on("readPods", () => {
    throw new Error("readings fail");
  });
  await clock.advance(300);
  expect((await rooms.resolve("carol")).uid).toBe("carol");
  failing.close();
});

test("without a state cache too, links are asked for again when the store is back", async () => {
  const { driver, line, rooms, clock } = await world(2, { settled: false, routes: { stateCache: false } });
  const key = { service: SERVICE, uid: "alice" };
  line.cut();
  await rejection(rooms.resolve("alice"), "STORE_UNAVAILABLE");
  await rejection(driver.getLinkedPodNotCache(key), "STORE_UNAVAILABLE");
  line.heal();
  await clock.advance(2000);
  expect(await codeOf(driver.getLinkedPodNotCache(key))).toBe("resolved");
});

test("readings that fail for a reason of their own don't keep links refused for ever", async () => {
  const { driver, line, clock } = await world(2);
  line.cut();
  await clock.advance(300);
  await rejection(driver.getLinkedPodNotCache({ service: SERVICE, uid: "alice" }), "STORE_UNAVAILABLE");
  line.heal();
  line.on("readPods", () => {
    throw new Error("not allowed to read pods");
  });
  await clock.advance(2000);
  expect(await codeOf(driver.getLinkedPodNotCache({ service: SERVICE, uid: "alice" }))).toBe("resolved");
});
