import type { PodAddress } from "@podlink/types";
import { expect, test } from "vitest";
import type { World } from "./support/world.ts";
import { NAMESPACE, rejection, SERVICE, world } from "./support/world.ts";

const key = { service: SERVICE, uid: "alice" };

/** The caller believes in pod 0; the link was moved to pod 1 since. */
async function movedBehindItsBack(here: World) {
  await here.driver.setLinkedPodIfAbsent(key, 0);
  const target = await here.rooms.target("alice");
  const owner = { podIndex: 1 };
  const { link } = (await here.store.execute({
    kind: "set",
    namespace: NAMESPACE,
    ...key,
    owner,
    lifetime: { ttlMs: 60_000 },
  })) as { link: typeof target.link };
  here.line.resetCounts();
  return { target, link };
}

test("a 421 with the link leads to the pod that it names, without I/O", async () => {
  const here = await world(2);
  const { target, link } = await movedBehindItsBack(here);
  const next = await here.rooms.misdirected(target, link);
  expect(next).toEqual({
    link,
    podIndex: 1,
    incarnation: here.pods[1]?.incarnation,
    address: { host: "127.0.0.1", httpPort: 3001 },
  });
  expect(here.line.totalCalls).toBe(0);
  expect(here.rooms.peek("alice")).toBe(1);
  expect(here.driver.read()["misdirected"]).toBe(1);
});

test("the very pod that the cached link named may answer with a lower token", async () => {
  const here = await world(2);
  const { target, link } = await movedBehindItsBack(here);
  const older = { ...link, token: "1" };
  expect((await here.rooms.misdirected(target, older)).podIndex).toBe(1);
  expect(here.driver.getLinkedInCache(key)?.token).toBe("1");
});

test("any other pod may not: the cached link stays", async () => {
  const here = await world(3);
  const { target, link } = await movedBehindItsBack(here);
  here.driver.setCache(link);
  const older = { ...link, podIndex: 2, token: "1" };
  expect((await here.rooms.misdirected(target, older)).podIndex).toBe(1);
});

test("a 421 without a link has the pods and the link read anew", async () => {
  const here = await world(2);
  const { target } = await movedBehindItsBack(here);
  expect((await here.rooms.misdirected(target, undefined)).podIndex).toBe(1);
  expect(here.line.calls).toMatchObject({ readPods: 1, execute: 1 });
});

test("a link of a life that the row doesn't know has the pods read first", async () => {
  const here = await world(2, { routes: { stateRefreshMs: 600, eventNotification: false } });
  const { target } = await movedBehindItsBack(here);
  await here.pods[1]?.start({ address: { host: "127.0.0.1", httpPort: 4001 } });
  const claimed = await here.pods[1]?.claim("alice");
  const next = await here.rooms.misdirected(target, claimed);
  expect(next).toMatchObject({ incarnation: here.pods[1]?.incarnation, address: { httpPort: 4001 } });
  expect(here.line.calls.readPods).toBe(1);
});

test("a link of another uid is not believed: the link is read", async () => {
  const here = await world(2);
  const { target, link } = await movedBehindItsBack(here);
  expect((await here.rooms.misdirected(target, { ...link, uid: "mallory", podIndex: 0 })).podIndex).toBe(1);
  expect(here.line.calls.execute).toBe(1);
  expect(here.driver.getLinkedInCache({ service: SERVICE, uid: "mallory" })).toBeUndefined();
});

test("a pod that reports no address can't be a target", async () => {
  const here = await world(0);
  await here.pod(0, { address: undefined as unknown as PodAddress });
  await here.clock.advance(200);
  await rejection(here.rooms.target("alice"), "POD_UNAVAILABLE");
});
