import { expect, test } from "vitest";
import { granted, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

const key = { namespace: NAMESPACE, service: SERVICE, uid: "ann" } as const;

test("setLinkedPod takes the link of another pod, which learns it by push", async () => {
  const w = world();
  const [zero, one] = [await w.running(0), await w.running(1)];
  const before = granted(await settled(w.clock, zero.driver.guard("ann")));
  const done = await settled(w.clock, one.driver.setLinkedPod("ann"));
  expect(done).toMatchObject({ link: { podIndex: 1, kind: "owned" }, previous: { token: before.link.token } });
  expect(one.driver.isHeld("ann")).toBe(true);
  expect(zero.driver.isHeld("ann")).toBe(false);
  expect(before.signal.aborted).toBe(true);
  expect(zero.periods.at(-1)).toMatchObject({ reason: "lost", link: { podIndex: 1 } });
  expect(zero.driver.read()["linksLost"]).toBe(1);
});

test("setLinkedPod of an own uid begins a new period", async () => {
  const w = world();
  const { driver, periods } = await w.running(0);
  const before = granted(await settled(w.clock, driver.guard("ann"))).link;
  const { link } = await settled(w.clock, driver.setLinkedPod("ann"));
  expect(Number(link.token)).toBeGreaterThan(Number(before.token));
  expect(periods.map(({ kind }) => kind)).toEqual(["taken", "ended", "taken"]);
});

test("fault 5: trySetLinkedPod answers in one shape: fresh, refused, taken over", async () => {
  const w = world();
  const [zero, one] = [await w.running(0), await w.running(1)];
  const fresh = await settled(w.clock, zero.driver.trySetLinkedPod("ann"));
  expect(fresh).toMatchObject({ acquired: true, link: { podIndex: 0, kind: "owned" } });
  expect(await settled(w.clock, one.driver.trySetLinkedPod("ann"))).toEqual({ acquired: false, link: fresh.link });
  expect(one.driver.isHeld("ann")).toBe(false);
  await settled(w.clock, zero.driver.removeLinkedPod("ann", 5000));
  const over = await settled(w.clock, one.driver.trySetLinkedPod("ann"));
  expect(over).toMatchObject({ acquired: true, link: { podIndex: 1 }, previous: { podIndex: 0, kind: "goodbye" } });
  expect(one.driver.isHeld("ann")).toBe(true);
});

test("trySetLinkedPod by the holder goes on with the same period", async () => {
  const w = world();
  const { driver, periods } = await w.running(0);
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  expect(await settled(w.clock, driver.trySetLinkedPod("ann"))).toMatchObject({
    acquired: true,
    link: { token: link.token },
  });
  expect(periods.length).toBe(1);
});

test("fault 6: removing with a grace keeps the link for the grace, and the user comes back under a new token", async () => {
  const w = world();
  const { driver, periods } = await w.running(0);
  const before = granted(await settled(w.clock, driver.guard("ann"))).link;
  expect(await settled(w.clock, driver.removeLinkedPod("ann", 5000))).toEqual({ removed: true });
  expect(periods.at(-1)).toMatchObject({ kind: "ended", reason: "released" });
  expect(await w.link("ann")).toMatchObject({ kind: "goodbye", podIndex: 0, expiresInMs: 5000 });
  const after = granted(await settled(w.clock, driver.guard("ann"))).link;
  expect(Number(after.token)).toBeGreaterThan(Number(before.token));
  await settled(w.clock, driver.removeLinkedPod("ann", 5000));
  await w.clock.advance(5000);
  expect(await w.link("ann")).toBeUndefined();
});

test("removing at once removes, once", async () => {
  const w = world();
  const { driver } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  expect(await settled(w.clock, driver.removeLinkedPod("ann", 0))).toEqual({ removed: true });
  expect(await w.link("ann")).toBeUndefined();
  expect(await settled(w.clock, driver.removeLinkedPod("ann", 0))).toEqual({ removed: false });
});

test("a pod removes its own links only, unless another is named", async () => {
  const w = world();
  const [zero, one] = [await w.running(0), await w.running(1)];
  const { link } = granted(await settled(w.clock, zero.driver.guard("ann")));
  expect(await settled(w.clock, one.driver.removeLinkedPod("ann", 0))).toEqual({ removed: false, link });
  expect(await settled(w.clock, one.driver.removeLinkedPodWithId("ann", 2, 0))).toEqual({ removed: false, link });
  expect(await settled(w.clock, one.driver.removeLinkedPodWithId("ann", 0, 0))).toEqual({ removed: true });
});

test("what was made for this pod and never taken can be removed too", async () => {
  const w = world();
  const { driver } = await w.running(0);
  await w.store.execute({ kind: "setIfAbsent", ...key, owner: { podIndex: 0 }, lifetime: { ttlMs: 60_000 } });
  expect(await settled(w.clock, driver.removeLinkedPod("ann", 0))).toEqual({ removed: true });
});

test("a newer life's link is not touched: SUPERSEDED", async () => {
  const w = world();
  const { driver } = await w.running(0);
  const incarnation = (driver.identity?.incarnation ?? 0) + 1000;
  await w.store.execute({ kind: "set", ...key, owner: { podIndex: 0, incarnation }, lifetime: "persistent" });
  await expect(driver.removeLinkedPod("ann", 0)).rejects.toMatchObject({ code: "SUPERSEDED" });
  await expect(driver.setLinkedPod("ann")).rejects.toMatchObject({ code: "SUPERSEDED" });
  expect(await w.link("ann")).toMatchObject({ incarnation });
});

test("a pod that may not claim takes no links", async () => {
  const w = world();
  const { driver } = w.pod(0);
  await expect(driver.setLinkedPod("ann")).rejects.toMatchObject({ code: "POD_UNAVAILABLE" });
  await settled(w.clock, driver.start());
  driver.setServiceState("Failed");
  await expect(driver.trySetLinkedPod("ann")).rejects.toMatchObject({ code: "CLOSED" });
});

test("bad input is refused before anything is sent", async () => {
  const { driver } = world().pod(0);
  expect(() => driver.setLinkedPod("")).toThrow(/uid must be/);
  expect(() => driver.trySetLinkedPod("..")).toThrow(/uid must be/);
  expect(() => driver.removeLinkedPod("ann", -1)).toThrow(/graceMs must be/);
  expect(() => driver.removeLinkedPodWithId("ann", 1.5, 0)).toThrow(/podIndex must be/);
});

test("a bad timeoutMs is refused before anything is done", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  line.resetCounts();
  const call = { timeoutMs: -1 };
  expect(() => driver.removeLinkedPod("ann", 0, call)).toThrow(/timeoutMs must be/);
  expect(() => driver.setLinkedPod("bob", call)).toThrow(/timeoutMs must be/);
  await w.clock.advance(0);
  expect(line.totalCalls).toBe(0);
  expect(await w.link("ann")).toMatchObject({ token: link.token });
  expect(driver.isHeld("ann")).toBe(true);
});

test("what the process before may still serve is not removed during the wait", async () => {
  const w = world();
  const older = await w.running(0);
  await w.running(1);
  granted(await settled(w.clock, older.driver.guard("ann")));
  older.line.cut(); // it goes on to the end of its lease
  const newer = await w.running(0);
  expect(newer.driver.state.phase).toBe("waiting");
  await expect(newer.driver.removeLinkedPod("ann", 0)).rejects.toMatchObject({ code: "POD_UNAVAILABLE" });
  expect(older.driver.isHeld("ann")).toBe(true);
  expect(await w.link("ann")).toMatchObject({ podIndex: 0, kind: "owned" });
  await w.clock.advance(1000);
  expect(await settled(w.clock, newer.driver.removeLinkedPod("ann", 0))).toEqual({ removed: true });
});
