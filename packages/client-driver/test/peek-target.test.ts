import { expect, test } from "vitest";
import type { World } from "./support/world.ts";
import { LEASE_MS, rejection, world } from "./support/world.ts";

/** What a call counts and observes. */
async function seenOf({ driver, observer }: World, call: () => unknown): Promise<unknown> {
  const before = driver.read();
  const scopes = observer.scopes.length;
  await call();
  const changed = Object.entries(driver.read()).map(([name, value]) => [name, value - (before[name] ?? 0)]);
  return [Object.fromEntries(changed), observer.scopes.slice(scopes)];
}

test("is what target gives, at once, counted and observed as that", async () => {
  const here = await world(2, { observed: true });
  expect(here.rooms.peekTarget("alice")).toBeUndefined();
  const target = await here.rooms.target("alice");
  expect(here.rooms.peekTarget("alice")).toEqual(target);
  const awaited = await seenOf(here, () => here.rooms.target("alice"));
  expect(awaited).toMatchObject([{ resolves: 1, hits: 1 }, [{ operation: { name: "resolve" }, ends: 1 }]]);
  expect(await seenOf(here, () => here.rooms.peekTarget("alice"))).toEqual(awaited);
});

test("counts and observes nothing where only target can tell", async () => {
  const here = await world(1, { observed: true });
  const nothing = await seenOf(here, () => undefined);
  expect(await seenOf(here, () => here.rooms.peekTarget("bob"))).toEqual(nothing);
  await here.rooms.target("alice");
  await here.pods[0]?.say({ serviceState: "NotReady" });
  await here.clock.advance(0);
  const idle = await seenOf(here, () => undefined);
  expect(await seenOf(here, () => expect(here.rooms.peekTarget("alice")).toBeUndefined())).toEqual(idle);
});

test("is not told of a pod that reports no address: target says why", async () => {
  const here = await world(0);
  await here.pod(0, { address: undefined as never });
  await here.clock.advance(200);
  await here.rooms.resolve("alice");
  const nothing = await seenOf(here, () => undefined);
  expect(await seenOf(here, () => expect(here.rooms.peekTarget("alice")).toBeUndefined())).toEqual(nothing);
  await rejection(here.rooms.target("alice"), "POD_UNAVAILABLE");
});

test("names the pod's next life and its address as soon as that is seen", async () => {
  const here = await world(1);
  await here.rooms.target("alice");
  here.pods[0]?.crash();
  const next = await here.pod(0, { address: { host: "10.0.0.9", httpPort: 81 } });
  await here.clock.advance(LEASE_MS / 10);
  expect(here.rooms.peekTarget("alice")).toMatchObject({
    incarnation: next.incarnation,
    address: { host: "10.0.0.9", httpPort: 81 },
  });
});

test("is not told while readings fail, without a state cache, or once the driver is closed", async () => {
  const here = await world(1);
  await here.rooms.target("alice");
  here.line.cut();
  await here.clock.advance(300);
  expect([here.rooms.peek("alice"), here.rooms.peekTarget("alice")]).toEqual([0, undefined]);
  here.line.heal();
  await here.clock.advance(2000);
  expect(here.rooms.peekTarget("alice")?.podIndex).toBe(0);
  await here.driver.close();
  expect(here.rooms.peekTarget("alice")).toBeUndefined();
  const blind = await world(1, { routes: { stateCache: false } });
  await blind.rooms.target("alice");
  expect(blind.rooms.peekTarget("alice")).toBeUndefined();
});
