import { RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import type { TestPod } from "./support/world.ts";
import { FAST, NAMESPACE, SERVICE, settled, world } from "./support/world.ts";

const name = { namespace: NAMESPACE, service: SERVICE, podIndex: 0 };
const registrations = ({ observer }: TestPod) => observer.eventsOf("registered").map(({ because }) => because);

test("every registration says why: the first, and one after the lease was over", async () => {
  const w = world();
  const pod = await w.running(0);
  pod.line.hang();
  await w.clock.advance(FAST.leaseMs + 500);
  pod.line.heal();
  await w.clock.advance(500);
  expect(registrations(pod)).toEqual(["start", "fenced"]);
  expect(pod.observer.eventsOf("fenced")).toEqual([{ kind: "fenced", ...name, because: "lease-over" }]);
  expect(pod.driver.read()).toMatchObject({ fenced: 1, registrations: 2 });
});

test("a wall clock that runs ahead is told as the reason", async () => {
  const w = world();
  const pod = await w.running(0);
  w.clock.jumpWall(60_000);
  await settled(w.clock, pod.driver.guard("ann"), 500);
  expect(pod.observer.eventsOf("fenced")).toEqual([{ kind: "fenced", ...name, because: "clock-ahead" }]);
  expect(registrations(pod)).toEqual(["start", "fenced"]);
});

test("another life of the store is told once as a change of epoch, and is the reason of the registration", async () => {
  const w = world();
  const pod = await w.running(0);
  w.store.flushAll();
  await w.clock.advance(3 * FAST.heartbeatIntervalMs);
  expect(pod.observer.eventsOf("epoch-changed")).toEqual([{ kind: "epoch-changed", ...name, because: "epoch" }]);
  expect(registrations(pod)).toEqual(["start", "epoch"]);
  expect(pod.driver.read()["epochChanges"]).toBe(1);
});

test("a pod that was fenced when the store came back as another tells the change of epoch too, once", async () => {
  const w = world();
  const pod = await w.running(0);
  await settled(w.clock, pod.driver.guard("ann"));
  pod.line.hang();
  await w.clock.advance(FAST.leaseMs + 500);
  expect(pod.driver.state.phase).toBe("fenced");
  w.store.flushAll();
  pod.line.heal();
  await w.clock.advance(500);
  expect(pod.driver.state.phase).toBe("running");
  expect(pod.observer.eventsOf("epoch-changed")).toEqual([{ kind: "epoch-changed", ...name, because: "epoch" }]);
  expect(registrations(pod)).toEqual(["start", "fenced"]);
  expect(pod.driver.read()).toMatchObject({ epochChanges: 1, fenced: 1 });
  // The next change is another one.
  w.store.flushAll();
  await w.clock.advance(500);
  expect(pod.observer.eventsOf("epoch-changed")).toHaveLength(2);
});

test("a pod that was fenced, and finds its row missing, tells that too, though nobody says that another server answers", async () => {
  const w = world();
  const pod = w.pod(0);
  pod.line.store.watchStore = () => ({ close: () => undefined });
  await pod.driver.start();
  pod.line.hang();
  await w.clock.advance(FAST.leaseMs + 500);
  w.store.flushAll();
  pod.line.heal();
  await w.clock.advance(500);
  expect(pod.observer.eventsOf("epoch-changed")).toEqual([{ kind: "epoch-changed", ...name, because: "gone" }]);
  expect(registrations(pod)).toEqual(["start", "fenced"]);
});

test("a pod that was never registered has lost nothing when another life of the store answers", async () => {
  const w = world();
  const pod = w.pod(0);
  pod.line.cut();
  await expect(pod.driver.start()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  w.store.flushAll();
  pod.line.heal();
  await w.clock.advance(500);
  expect(registrations(pod)).toEqual(["start"]);
  expect(pod.observer.eventsOf("epoch-changed")).toEqual([]);
});

test("serving without a lease is told when it begins, and why it ends", async () => {
  const w = world();
  const pod = await w.running(0, { whenStoreDown: "serve", staleWhileDownMs: 5000 });
  await settled(w.clock, pod.driver.guard("ann"));
  pod.line.cut();
  await w.clock.advance(4000);
  expect(pod.observer.eventsOf("serving-without-lease")).toHaveLength(1);
  expect(pod.observer.eventsOf("fenced")).toEqual([]);
  await w.clock.advance(2000);
  expect(pod.observer.eventsOf("serving-without-lease")).toHaveLength(1);
  expect(pod.observer.eventsOf("fenced")).toMatchObject([{ because: "stale-too-long" }]);
  expect(pod.driver.read()["servedWithoutLease"]).toBe(1);
});

test("that reports are not answered, and that they are again, is told once each", async () => {
  const w = world();
  const pod = await w.running(0);
  pod.line.cut();
  await w.clock.advance(700);
  pod.line.heal();
  await w.clock.advance(700);
  const store = { kind: "store", ...name, seenBy: "reports" };
  expect(pod.observer.eventsOf("store")).toEqual([
    { ...store, answers: false },
    { ...store, answers: true },
  ]);
});

test("links are told as taken, taken again by the sweep after a new registration, and lost", async () => {
  const w = world();
  const pod = await w.running(0);
  for (const uid of ["ann", "bob"]) await settled(w.clock, pod.driver.guard(uid));
  pod.line.hang();
  await w.clock.advance(FAST.leaseMs);
  pod.line.heal();
  await w.clock.advance(1000);
  const key = { namespace: NAMESPACE, service: SERVICE, uid: "bob" };
  await w.store.execute({ kind: "set", ...key, owner: { podIndex: 1, incarnation: 1 }, lifetime: "persistent" });
  await w.clock.advance(FAST.verifyIntervalMs);
  const taken = pod.observer.eventsOf("link-taken").map(({ again }) => again);
  expect(taken).toEqual([false, false, true, true]);
  expect(pod.observer.eventsOf("sweep").map(({ phase, links }) => [phase, links])).toEqual([
    ["started", 2],
    ["ended", 0],
  ]);
  expect(pod.observer.eventsOf("link-lost")).toHaveLength(1);
  expect(pod.driver.read()).toMatchObject({ taken: 4, claimedAgain: 2, linksLost: 1 });
});

test("the hand-over of a pod that isn't ready is told when it begins, and when it ends", async () => {
  const w = world();
  const pod = await w.running(0);
  pod.driver.setServiceState("NotReady");
  await w.clock.advance(FAST.notReadyHandOverMs - 1);
  expect(pod.observer.eventsOf("handing-over")).toEqual([]);
  await w.clock.advance(1 + 5 * FAST.heartbeatIntervalMs);
  pod.driver.ready();
  await w.clock.advance(FAST.heartbeatIntervalMs);
  expect(pod.observer.eventsOf("handing-over").map(({ active }) => active)).toEqual([true, false]);
});

test("a drain is told with what is held: when it begins, before it moves, and at its end", async () => {
  const w = world();
  const pod = await w.running(0);
  for (const uid of ["ann", "bob"]) await settled(w.clock, pod.driver.guard(uid));
  await settled(w.clock, pod.driver.stop(), 5000);
  expect(pod.observer.eventsOf("drain").map(({ phase, links }) => [phase, links])).toEqual([
    ["started", 2],
    ["moving", 2],
    ["ended", 0],
  ]);
  expect(pod.observer.eventsOf("handed-off").map(({ moved }) => moved)).toEqual([false, false]);
  expect(pod.observer.eventsOf("link-lost")).toEqual([]);
});

test("a record that is not ours to touch is told by the claim, and by the verification that meets it", async () => {
  const w = world();
  const pod = await w.running(0);
  const { store } = pod.line;
  const corrupt = new RouteError("CORRUPT", "the stored link has a newer format", { outcome: "not-applied" });
  await settled(w.clock, pod.driver.guard("ann"));
  store.executeAll = (ops) => Promise.resolve(ops.map(() => ({ error: corrupt })));
  await w.clock.advance(FAST.verifyIntervalMs);
  store.execute = () => Promise.reject(corrupt);
  expect(await settled(w.clock, pod.driver.guard("bob"))).toMatchObject({ ok: false, reason: "unavailable" });
  expect(pod.observer.eventsOf("corrupt")).toEqual([
    { kind: "corrupt", ...name },
    { kind: "corrupt", ...name },
  ]);
  expect(pod.driver.read()["corrupt"]).toBe(2);
});
