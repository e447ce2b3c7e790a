import type { FailpointName } from "@podlink/testkit";
import { failpoints } from "@podlink/testkit";
import { afterEach, expect, test } from "vitest";
import { ask, FAST, granted, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

afterEach(() => failpoints.clear());

/** How long a lease is held by its pod. */
const HELD_MS = FAST.leaseMs - FAST.leaseMarginMs;

test("in its life a pod comes by every point of it", async () => {
  const passed = new Set<string>();
  for (const name of [
    ...(["before-register", "before-claim", "after-claim", "before-report", "after-report", "before-renew"] as const),
    ...(["before-remove", "after-remove", "mid-drain", "mid-hand-off", "after-move", "before-goodbye"] as const),
  ] satisfies FailpointName[])
    failpoints.on(name, { run: () => void passed.add(name) });
  const w = world();
  const { driver } = await w.running(0, { ownedTtlMs: 60_000 });
  await w.running(1);
  for (const uid of ["ann", "bob"]) granted(await settled(w.clock, driver.guard(uid)));
  await settled(w.clock, driver.removeLinkedPod("bob", 0));
  expect([...passed]).toEqual([
    "before-register",
    "before-report",
    "after-report",
    "before-claim",
    "after-claim",
    "before-remove",
    "after-remove",
  ]);
  await w.clock.advance(31_000); // half of ownedTtlMs
  expect([...passed].slice(7)).toEqual(["before-renew"]);
  await settled(w.clock, driver.stop(), 5000);
  expect([...passed].slice(8)).toEqual(["mid-drain", "mid-hand-off", "after-move", "before-goodbye"]);
});

test("a claim whose answer is heard only after the lease has ended doesn't count", async () => {
  const w = world();
  const { driver, line, periods } = await w.running(0);
  const held = failpoints.on("after-claim", { action: "pause" });
  const answer = driver.guard("ann", { timeoutMs: 5000 });
  await w.clock.advance(0);
  await held.reached();
  expect(await w.link("ann")).toMatchObject({ podIndex: 0, kind: "owned" });
  line.cut();
  await w.clock.advance(FAST.leaseMs);
  held.end();
  expect(await settled(w.clock, answer)).toMatchObject({ ok: false, reason: "fenced" });
  expect(driver.isHeld("ann")).toBe(false);
  expect(periods).toEqual([]);
});

test("a report that lingers before it is sent counts from before that", async () => {
  const w = world();
  const { driver } = await w.running(0);
  granted(await settled(w.clock, driver.guard("ann")));
  const held = failpoints.on("before-report", { action: "pause", times: 1 });
  await w.clock.advance(FAST.heartbeatIntervalMs);
  await held.reached();
  const again = failpoints.on("before-report", { action: "pause" });
  await w.clock.advance(HELD_MS / 2);
  held.release();
  await w.clock.advance(HELD_MS / 2 - 1);
  expect(again.paused).toBe(1);
  expect(driver.isHeld("ann")).toBe(true);
  await w.clock.advance(1);
  expect(driver.isHeld("ann")).toBe(false);
  expect(driver.state.phase).toBe("fenced");
});

test("an accepted report whose answer is heard after the lease has ended doesn't bring it back", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const before = granted(await settled(w.clock, driver.guard("ann"))).link;
  line.cut();
  await w.clock.advance(HELD_MS - 2 * FAST.heartbeatIntervalMs);
  line.heal();
  const held = failpoints.on("after-report", { action: "pause", times: 1 });
  await w.clock.advance(FAST.heartbeatIntervalMs);
  await held.reached();
  expect(driver.isHeld("ann")).toBe(true);
  await w.clock.advance(2 * FAST.heartbeatIntervalMs);
  held.release();
  await Promise.resolve();
  expect(driver.guard("ann")).toMatchObject({ reason: "fenced" });
  await w.clock.advance(FAST.heartbeatIntervalMs);
  const after = granted(await settled(w.clock, driver.guard("ann"))).link;
  expect(Number(after.token)).toBeGreaterThan(Number(before.token));
});

test("a removal that fails after it was carried out leaves the uid in doubt; it is claimed anew", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  const before = granted(await settled(w.clock, driver.guard("ann"))).link;
  failpoints.on("after-remove", { action: "throw", times: 1 });
  await expect(settled(w.clock, driver.removeLinkedPod("ann", 0))).rejects.toThrow("failpoint after-remove");
  expect(await w.link("ann")).toBeUndefined();
  expect(driver.read()).toMatchObject({ held: 0, doubtful: 1 });
  line.resetCounts();
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  expect(line.operations).toMatchObject({ replace: 1 });
  expect(Number(link.token)).toBeGreaterThan(Number(before.token));
});

test("a hand-off that fails once it has saved is begun again, and the uid is saved anew before it moves", async () => {
  const w = world();
  const leaving = await w.running(0);
  await w.running(1);
  granted(await settled(w.clock, ask(leaving, "ann")));
  await w.clock.advance(FAST.heartbeatIntervalMs);
  const failing = failpoints.on("mid-hand-off", { action: "throw", times: 1, where: ({ uid }) => uid === "ann" });
  let saves = 0;
  leaving.driver.onHandOff(() => void (saves += 1));
  await settled(w.clock, leaving.driver.stop(), FAST.stop.deadlineMs);
  expect({ hits: failing.hits, saves }).toEqual({ hits: 1, saves: 2 });
  expect(await w.link("ann")).toMatchObject({ podIndex: 1, kind: "reservation" });
  expect(leaving.driver.read()).toMatchObject({ moved: 1, handOffsFailed: 1 });
});

test.each(["mid-drain", "mid-hand-off", "after-move", "before-goodbye"] as const)(
  "a pod that is stuck at %s still stops at its deadline",
  async (name) => {
    const w = world();
    const leaving = await w.running(0);
    await w.running(1);
    granted(await settled(w.clock, ask(leaving, "ann")));
    await w.clock.advance(FAST.heartbeatIntervalMs);
    const stuck = failpoints.on(name, { action: "pause" });
    await settled(w.clock, leaving.driver.stop(), FAST.stop.deadlineMs);
    expect(stuck.paused).toBe(1);
    expect(leaving.driver.state.phase).toBe("stopped");
    expect(leaving.driver.isHeld("ann")).toBe(false);
  },
);

test("a pod that is stopped while it starts leaves no row, however late its registration would have been sent", async () => {
  const w = world();
  const { driver } = w.pod(0);
  const held = failpoints.on("before-register", { action: "pause" });
  const started = Promise.allSettled([driver.start()]);
  await w.clock.advance(0);
  await held.reached();
  await settled(w.clock, driver.stop({ deadlineMs: 100 }), 1000);
  expect(driver.state.phase).toBe("stopped");
  held.end();
  expect(await settled(w.clock, started)).toMatchObject([{ status: "rejected" }]);
  await w.clock.advance(FAST.leaseMs);
  expect((await w.store.readPods(NAMESPACE, SERVICE)).rows).toEqual([]);
});
