import { RouteError } from "@podlink/types";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { World } from "./world.ts";
import { makeWorld } from "./world.ts";

let world: World;
beforeEach(() => void (world = makeWorld()));
afterEach(() => world.close());

test("followed routes have a cache of their own, kept up to date until they are closed", async () => {
  await world.pod(0);
  const driver = world.driver();
  const followed = driver.follow("room");
  expect(followed.best()).toBeUndefined();
  expect(world.clock.pendingTimers).toBe(0);
  await followed.cache.refresh();
  expect(followed.best()).toMatchObject({ row: { podIndex: 0 } });
  await world.pod(1);
  await world.clock.advance(0);
  expect(followed.cache.routablePods()).toEqual([0, 1]);
  expect(driver.follow("room").cache).not.toBe(followed.cache);
  expect(driver.service("room").cache).not.toBe(followed.cache);
  expect(driver.service("room").cache.resting).toBe(true);
  followed.close();
  followed.close();
  expect(world.clock.pendingTimers).toBe(0);
  expect(followed.best()).toBeUndefined();
});

test("routes that are kept go on when followed ones are closed", async () => {
  await world.pod(0);
  const driver = world.driver();
  await driver.service("room").init();
  const followed = driver.follow("room");
  await followed.cache.refresh();
  followed.close();
  await world.pod(1);
  await world.clock.advance(0);
  expect(driver.service("room").cache.routablePods()).toEqual([0, 1]);
});

test("listeners of the driver hear of a change once, whoever follows", async () => {
  await world.pod(0);
  const driver = world.driver();
  await driver.service("room").init();
  await driver.follow("room").cache.refresh();
  const heard: number[] = [];
  driver.onRoutingStateChanged(({ podIndex }) => heard.push(podIndex));
  await world.pod(1);
  await world.clock.advance(0);
  expect(heard).toEqual([1]);
});

test("what followed routes have counted stays in the figures, and only grows; pods are those of the routes that are kept", async () => {
  await world.pod(0);
  const driver = world.driver();
  const followed = driver.follow("room");
  await followed.cache.refresh();
  followed.best();
  expect(driver.read()).toMatchObject({ services: 0, readings: 1, rows: 1, placements: 1 });
  expect(driver.read()).not.toHaveProperty("pods");
  followed.close();
  expect(driver.read()).toMatchObject({ readings: 1, rows: 1, placements: 1 });
  await driver.follow("room").cache.refresh();
  expect(driver.read()).toMatchObject({ readings: 2, rows: 2 });
});

test("the end of the driver ends what is followed, and who follows after it gets nothing", async () => {
  await world.pod(0);
  const driver = world.driver();
  const followed = driver.follow("room");
  await followed.cache.refresh();
  await driver.close();
  expect(world.clock.pendingTimers).toBe(0);
  for (const routes of [followed, driver.follow("room")]) {
    await expect(routes.cache.refresh()).rejects.toMatchObject({ code: "CLOSED" });
  }
});

test("who is closed while the pods can't be read tells that as the end of it", async () => {
  const driver = world.driver();
  const told = (): boolean[] => world.observer.eventsOf("store").map(({ answers }) => answers);
  const followed = driver.follow("room");
  const failing = world.line.on("readPods", () => {
    throw new RouteError("STORE_UNAVAILABLE", "a reading of the test");
  });
  await expect(followed.cache.refresh()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(told()).toEqual([false]);
  followed.close();
  expect(told()).toEqual([false, true]);
  failing.close();
  const next = driver.follow("room");
  await next.cache.refresh();
  next.close();
  expect(told()).toEqual([false, true]);
});

test("a bad name is refused", () => {
  expect(() => world.driver().follow("Room")).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});
