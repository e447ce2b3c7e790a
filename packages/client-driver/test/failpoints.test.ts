import { failpoints } from "@podlink/testkit";
import { afterEach, expect, test } from "vitest";
import { GRACE_MS, LEASE_MS, NAMESPACE, stored, world } from "./support/world.ts";

afterEach(() => failpoints.clear());

test("a link that its caller forgets while it is about to be cached is asked for again", async () => {
  const { rooms, driver, clock, store } = await world(2);
  const held = failpoints.on("before-fill", { action: "pause", times: 1 });
  const resolved = rooms.resolve("ann");
  await held.reached();
  rooms.forget("ann");
  const owner = { podIndex: 1 };
  const lifetime = { ttlMs: 60_000 };
  await store.execute({ kind: "set", namespace: NAMESPACE, service: "room", uid: "ann", owner, lifetime });
  held.release();
  await clock.advance(0);
  expect((await resolved).podIndex).toBe(1);
  expect(driver.getLinkedInCache({ service: "room", uid: "ann" })?.podIndex).toBe(1);
});

test("of two callers that move a link only one does; the other answers with what it found", async () => {
  const here = await world(3);
  await here.driver.setLinkedPodIfAbsent({ service: "room", uid: "ann" }, 0);
  await here.pods[0]?.claim("ann");
  const other = await here.caller();
  await here.pods[0]?.say({ serviceState: "Failed" });
  await here.clock.advance(LEASE_MS + GRACE_MS);
  const held = failpoints.on("before-replace", { action: "pause" });
  const both = [here.rooms.resolve("ann", { timeoutMs: 5000 }), other.rooms.resolve("ann", { timeoutMs: 5000 })];
  await held.reached({ hits: 2 });
  held.release();
  await here.clock.advance(0);
  const [mine, theirs] = await Promise.all(both);
  expect(mine?.token).toBe(theirs?.token);
  expect((await stored(here.store, "ann"))?.token).toBe(mine?.token);
  const replaced = [here.driver, other.driver].map((driver) => driver.read());
  expect(replaced.map(({ replacements }) => replacements)).toEqual(expect.arrayContaining([0, 1]));
  expect(replaced.map(({ replacementsLost }) => replacementsLost)).toEqual(expect.arrayContaining([0, 1]));
});
