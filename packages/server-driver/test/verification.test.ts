import { sleep } from "@podlink/types";
import { expect, test } from "vitest";
import { ask, FAST, granted, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

const key = (uid: string) => ({ namespace: NAMESPACE, service: SERVICE, uid });

test("a link that was removed behind the pod's back is lost at the next verification, and never made again", async () => {
  const w = world();
  const { driver, periods, line, observer } = await w.running(0);
  const { signal } = granted(await settled(w.clock, driver.guard("ann")));
  await w.store.execute({ kind: "remove", ...key("ann"), graceMs: 0 });
  line.resetCounts();
  await w.clock.advance(FAST.verifyIntervalMs);
  expect(driver.isHeld("ann")).toBe(false);
  expect(signal.aborted).toBe(true);
  expect(periods.at(-1)).toEqual({ kind: "ended", uid: "ann", reason: "lost" });
  expect(await w.link("ann")).toBeUndefined();
  expect(line.operations.setIfAbsent + line.operations.set + line.operations.replace).toBe(0);
  expect(observer.events.map(({ kind }) => kind)).toContain("link-lost");
});

test("a link that names another is lost at the next verification when the push did not arrive", async () => {
  const w = world();
  const { driver, line, periods } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  line.dropPushes(1);
  await w.store.execute({ kind: "set", ...key("ann"), owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } });
  expect(driver.isHeld("ann")).toBe(true);
  await w.clock.advance(FAST.verifyIntervalMs);
  expect(periods.at(-1)).toMatchObject({ reason: "lost", link: { podIndex: 1 } });
});

test("all is looked at in batches, no more than 2,000 a second", async () => {
  const w = world();
  const pod = await w.running(0, { verifyIntervalMs: 10_000 });
  const { driver, line } = pod;
  const uids = Array.from({ length: 1000 }, (_, index) => `u${index}`);
  await settled(w.clock, Promise.all(uids.map((uid) => ask(pod, uid))));
  line.resetCounts();
  await w.clock.advance(10_000 + 200);
  expect(line.operations.get).toBeLessThanOrEqual(520);
  await w.clock.advance(400);
  expect(line.operations.get).toBe(1000);
  expect(line.calls.executeAll).toBeLessThanOrEqual(12);
  expect(driver.read()["verified"]).toBe(1000);
});

test("a uid with a mutation under way is skipped", async () => {
  const w = world();
  const pod = await w.running(0, { commandTimeoutMs: 300 });
  const { driver, line } = pod;
  await settled(w.clock, Promise.all([ask(pod, "ann"), ask(pod, "bob")]));
  await w.clock.advance(FAST.verifyIntervalMs - 100);
  line.on("execute", () => new Promise<void>(() => undefined));
  const asked = driver.guard("ann", { token: String(Number.MAX_SAFE_INTEGER) });
  line.resetCounts();
  await w.clock.advance(150);
  expect(line.operations.get).toBe(1);
  await settled(w.clock, asked, 500);
});

test("the lifetime is renewed when half of it is gone", async () => {
  const w = world();
  const { driver, line } = await w.running(0, { ownedTtlMs: 6000 });
  await settled(w.clock, driver.guard("ann"));
  await w.clock.advance(2 * FAST.verifyIntervalMs);
  expect(line.operations.renew).toBe(0);
  await w.clock.advance(2 * FAST.verifyIntervalMs);
  expect(line.operations.renew).toBe(1);
  await w.clock.advance(FAST.verifyIntervalMs);
  expect(line.operations.renew).toBe(1);
  expect(driver.isHeld("ann")).toBe(true);
});

test("data that the store lost is not taken for links that were removed: the pod claims them again", async () => {
  const w = world();
  const { driver, line, periods, observer } = w.pod(0, { heartbeatIntervalMs: 300 });
  line.store.watchStore = () => ({ close: () => undefined }); // nobody tells
  await driver.start();
  driver.ready();
  const before = granted(await settled(w.clock, driver.guard("ann"))).link;
  await w.clock.advance(FAST.verifyIntervalMs - 50); // the next report comes after the verification
  w.store.flushAll();
  await w.clock.advance(100);
  expect(periods.filter((event) => event.kind === "ended").map(({ reason }) => reason)).toEqual(["fenced"]);
  const after = granted(await settled(w.clock, driver.guard("ann"))).link;
  expect(Number(after.token)).toBeGreaterThan(Number(before.token));
  expect(observer.events.map(({ kind }) => kind)).toContain("epoch-changed");
});

test("a report that finds another generation tells that the data is gone", async () => {
  const w = world();
  const { driver, line, observer } = await w.running(0);
  const before = driver.identity?.incarnation ?? 0;
  const report = line.store.report.bind(line.store);
  let once = true;
  line.store.report = async (heartbeat, call) => {
    const answer = await report(heartbeat, call);
    if (!once || !answer.accepted) return answer;
    once = false;
    return { accepted: true, generation: "another", writesWorkload: true };
  };
  await w.clock.advance(FAST.heartbeatIntervalMs);
  expect(driver.identity?.incarnation).toBeGreaterThan(before);
  expect(observer.events.map(({ kind }) => kind)).toContain("epoch-changed");
});

test("verification that gets no answer loses nothing", async () => {
  const w = world();
  const { driver, line } = await w.running(0);
  await settled(w.clock, driver.guard("ann"));
  line.on("executeAll", () => new Promise<void>(() => undefined));
  await w.clock.advance(3 * FAST.verifyIntervalMs);
  expect(driver.isHeld("ann")).toBe(true);
});

test("while a link is renewed, other mutations of it wait", async () => {
  const w = world();
  const pod = await w.running(0, { ownedTtlMs: 2000 });
  await settled(w.clock, ask(pod, "ann"));
  await w.clock.advance(FAST.verifyIntervalMs - 10);
  let removedAtMs = 0;
  let renewedAtMs = 0;
  pod.line.on("executeAll", async ({ args }) => {
    if ((args[0] as { kind: string }[])[0]?.kind !== "renew") return;
    await sleep(50, { clock: w.clock });
    renewedAtMs = w.clock.nowMs();
  });
  pod.line.on("execute", () => {
    removedAtMs = w.clock.nowMs();
  });
  await w.clock.advance(10);
  const removal = pod.driver.removeLinkedPod("ann", 0);
  await settled(w.clock, removal, 60);
  expect(renewedAtMs).toBeGreaterThan(0);
  expect(removedAtMs).toBeGreaterThanOrEqual(renewedAtMs);
});
