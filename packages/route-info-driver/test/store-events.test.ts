import { afterEach, expect, test } from "vitest";
import { makeWorld } from "./world.ts";

const world = makeWorld();
afterEach(() => world.close());

test("that the pods can't be read, and that they can again, is told once each", async () => {
  await world.pod(0);
  const driver = world.driver({ stateRefreshMs: 100 });
  await driver.service("room").init();
  world.line.cut();
  await world.clock.advance(2000);
  const store = { kind: "store", namespace: "prod", service: "room", seenBy: "readings" };
  expect(world.observer.eventsOf("store")).toEqual([{ ...store, answers: false }]);
  world.line.heal();
  await world.clock.advance(2000);
  expect(world.observer.eventsOf("store")).toEqual([
    { ...store, answers: false },
    { ...store, answers: true },
  ]);
});
