import { expect, test } from "vitest";
import { ask, FAST, granted, settled, world } from "./support/world.ts";

const LEASE_MS = FAST.leaseMs - FAST.leaseMarginMs;

test("refuse: held uids are served to the end of the lease, then nothing is", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  line.hang();
  await w.clock.advance(LEASE_MS - FAST.heartbeatIntervalMs - 10);
  expect(driver.guard("ann")).toMatchObject({ ok: true });
  await w.clock.advance(FAST.heartbeatIntervalMs + 10);
  expect(driver.guard("ann")).toMatchObject({ ok: false, reason: "fenced" });
});

test("serve: held uids go on, marked fenced; unknown ones don't; at staleWhileDownMs it ends", async () => {
  const w = world();
  const { driver, line, periods } = await w.running(0, { whenStoreDown: "serve", staleWhileDownMs: 5000 });
  const first = granted(await settled(w.clock, driver.guard("ann")));
  line.hang();
  await w.clock.advance(LEASE_MS + 100);
  expect(driver.guard("ann")).toEqual({ ok: true, link: first.link, signal: first.signal, fenced: true });
  expect(driver.isHeld("ann")).toBe(false);
  expect(driver.guard("bob")).toMatchObject({ ok: false, reason: "fenced" });
  await w.clock.advance(5000 - LEASE_MS - 100);
  expect(driver.guard("ann")).toMatchObject({ ok: false, reason: "fenced" });
  expect(periods.at(-1)).toMatchObject({ kind: "ended", reason: "fenced" });
});

test("serve: a request that knows of a higher token is not served: somebody else had the link meanwhile", async () => {
  const w = world();
  const { driver, line } = await w.running(0, { whenStoreDown: "serve" });
  const { link } = granted(await settled(w.clock, driver.guard("ann")));
  line.cut();
  await w.clock.advance(LEASE_MS + 100);
  expect(driver.guard("ann", { token: link.token })).toMatchObject({ ok: true, fenced: true });
  const newer = String(Number(link.token) + 1);
  expect(driver.guard("ann", { token: newer })).toMatchObject({ ok: false, reason: "fenced" });
  expect(driver.guard("ann", { token: link.token })).toMatchObject({ ok: true, fenced: true });
});

test("serve: when the store is back the pod registers again and claims before it serves", async () => {
  const w = world();
  const { driver, line, periods } = await w.running(0, { whenStoreDown: "serve" });
  const first = granted(await settled(w.clock, driver.guard("ann")));
  line.cut();
  await w.clock.advance(2000);
  expect(driver.guard("ann")).toMatchObject({ fenced: true });
  line.heal();
  await w.clock.advance(200);
  const after = granted(await settled(w.clock, driver.guard("ann")));
  expect(after.fenced).toBeUndefined();
  expect(Number(after.link.token)).toBeGreaterThan(Number(first.link.token));
  expect(first.signal.aborted).toBe(true);
  expect(periods.map(({ kind }) => kind)).toEqual(["taken", "ended", "taken"]);
});

test("everything that waits for a store that hangs settles in time, and stop ends within its deadline", async () => {
  const w = world();
  const pod = await w.running(0);
  const { driver, line } = pod;
  await settled(w.clock, driver.guard("ann"));
  line.hang();
  const work = [ask(pod, "bob"), driver.removeLinkedPod("ann", 0).catch(() => undefined), driver.claimAgain("cy", "1")];
  const begunAtMs = w.clock.nowMs();
  let endedAtMs = 0;
  void driver.stop({ deadlineMs: 3000 }).then(() => (endedAtMs = w.clock.nowMs()));
  await w.clock.advance(3000);
  await Promise.all(work);
  expect(endedAtMs).toBeGreaterThan(0);
  expect(endedAtMs - begunAtMs).toBeLessThanOrEqual(3000);
  expect(w.clock.pendingTimers).toBe(0);
});

test("close ends everything at once, also what waits for the store", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  line.hang();
  const asked = driver.guard("ann");
  await driver.close();
  expect(w.clock.pendingTimers - 1).toBeLessThanOrEqual(0); // the request's own
  expect(await settled(w.clock, asked)).toMatchObject({ ok: false });
  expect(w.clock.pendingTimers).toBe(0);
  await driver.close();
  await driver.stop();
});
