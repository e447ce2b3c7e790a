import type { PodEvent, StoreEvent } from "@podlink/types";
import { RouteError } from "@podlink/types";

import { expect, test } from "vitest";
import { fakeClock, faultyStore } from "@podlink/testkit";
import { MemoryExecutor } from "../src/index.ts";

const key = { namespace: "prod", service: "room", uid: "alice" };
const claim = { kind: "setIfAbsent", ...key, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } } as const;
const get = { kind: "get", ...key } as const;
const registration = {
  namespace: "prod",
  service: "room",
  podIndex: 1,
  life: "a",
  takeOver: "now",
  generation: "g",
  report: {
    serviceState: "Ready",
    routingState: "Ready",
    loadState: 0,
    loadScore: 0,
    linkCount: 0,
    leaseMs: 10_000,
    weight: 1,
    metadata: {},
  },
} as const;

function setUp() {
  const clock = fakeClock();
  return { clock, ...withFaults(clock) };
}

function withFaults(clock: ReturnType<typeof fakeClock>) {
  const faults = faultyStore(new MemoryExecutor({ clock }), { clock });
  return { faults, store: faults.store, real: faults.real };
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "done",
    (error: unknown) => (RouteError.is(error) ? [error.code, error.outcome] : error),
  );
}

test("undisturbed it is the real store, and counts calls and operations", async () => {
  const { faults, store } = setUp();
  await store.execute(claim);
  expect(await store.execute(get)).toMatchObject({ podIndex: 1 });
  await store.executeAll([get, get]);
  expect(await store.podsOf("prod", "room", ["alice", "bob", "alice"])).toEqual(new Map([[1, ["alice"]]]));
  await store.servicesOf("prod", "alice");
  await store.register(registration);
  const { rows } = await store.readPods("prod", "room");
  const identity = { namespace: "prod", service: "room", podIndex: 1, incarnation: rows[0]?.incarnation ?? 0 };
  await store.report({ ...identity, life: "a", reportNumber: 1, report: registration.report });
  await store.leave(identity);
  await store.setServiceTag("prod", "tag", "room");
  expect(await store.serviceByTag("prod", "tag")).toBe("room");
  await store.setWorkloadState("prod", "room", "Ready", 1000);
  expect((await store.workloadStates("prod", ["room"])).get("room")).toBe("Ready");
  expect(faults.calls).toEqual({
    execute: 2,
    executeAll: 1,
    podsOf: 1,
    servicesOf: 1,
    register: 1,
    readPods: 1,
    report: 1,
    leave: 1,
    setServiceTag: 1,
    serviceByTag: 1,
    setWorkloadState: 1,
    workloadStates: 1,
  });
  expect(faults.operations).toMatchObject({ setIfAbsent: 1, get: 5 });
  expect(faults.totalCalls).toBe(13);
  faults.resetCounts();
  expect([faults.totalCalls, faults.operations.get]).toEqual([0, 0]);
  expect(store.epoch()).toBe(1);
});

test("cut: nothing is executed, calls fail at once as not applied, health says so; healed: all is back", async () => {
  const { faults, store, real } = setUp();
  const events: StoreEvent[] = [];
  const pods: PodEvent[] = [];
  const watching = store.watchStore((event) => void events.push(event));
  const watchingPods = store.watchPods("prod", "room", (event) => void pods.push(event));
  faults.cut();
  expect(await codeOf(store.execute(claim))).toEqual(["STORE_UNAVAILABLE", "not-applied"]);
  expect(await store.executeAll([claim, get])).toMatchObject([
    { error: { code: "STORE_UNAVAILABLE" } },
    { error: { code: "STORE_UNAVAILABLE" } },
  ]);
  expect(store.health().healthy).toBe(false);
  expect(await real.execute(get)).toBeUndefined();
  await real.register(registration); // its push is lost
  await Promise.resolve();
  faults.heal();
  expect(store.health()).toEqual({ healthy: true });
  expect(await store.execute(claim)).toMatchObject({ created: true });
  expect(events.map((event) => event.kind === "health" && event.health.healthy)).toEqual([false, true]);
  expect(pods).toEqual([{ kind: "gap" }]);
  watching.close();
  watchingPods.close();
  faults.cut();
  faults.heal();
  expect([events.length, pods.length]).toEqual([2, 1]);
});

test("a dropped reply was executed, the caller doesn't know", async () => {
  const { faults, store } = setUp();
  faults.dropReplies(1);
  expect(await codeOf(store.execute(claim))).toEqual(["TIMEOUT", "unknown"]);
  expect(await store.execute(get)).toMatchObject({ podIndex: 1 });
  faults.dropReplies(1);
  expect(await store.executeAll([get])).toMatchObject([{ error: { code: "TIMEOUT", outcome: "unknown" } }]);
});

test("a dropped request was not executed, and looks the same to its caller", async () => {
  const { faults, store } = setUp();
  faults.dropRequests(1);
  expect(await codeOf(store.execute(claim))).toEqual(["TIMEOUT", "unknown"]);
  expect(await store.execute(get)).toBeUndefined();
});

test("hang: no call settles, and none is executed; after healing new ones go through", async () => {
  const { clock, faults, store, real } = setUp();
  faults.hang();
  let settled = false;
  store.execute(claim).then(
    () => (settled = true),
    () => (settled = true),
  );
  await clock.advance(1_000_000);
  expect([settled, await real.execute(get)]).toEqual([false, undefined]);
  faults.heal();
  await clock.advance(1000);
  expect(settled).toBe(false);
  expect(await store.execute(claim)).toMatchObject({ created: true });
});

test("hang in the middle: what was executed is not answered", async () => {
  const { faults, store, real } = setUp();
  faults.on("execute", () => faults.hang());
  let settled = false;
  void store.execute(claim).then(() => (settled = true));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([settled, await real.execute(get)]).toEqual([false, undefined]);
});

test("delay: calls are executed so much later by the clock", async () => {
  const { clock, faults, store, real } = setUp();
  faults.delay(200);
  const work = store.execute(claim);
  await clock.advance(199);
  expect(await real.execute(get)).toBeUndefined();
  await clock.advance(1);
  expect(await work).toMatchObject({ created: true });
  faults.delay(0);
  expect(await store.execute(get)).toMatchObject({ podIndex: 1 });
});

test("a call that is on its way when the line is cut fails and is not executed", async () => {
  const { clock, faults, store, real } = setUp();
  faults.delay(200);
  const outcome = codeOf(store.execute(claim));
  await clock.advance(100);
  faults.cut();
  await clock.advance(100);
  expect(await outcome).toEqual(["STORE_UNAVAILABLE", "not-applied"]);
  expect(await real.execute(get)).toBeUndefined();
});

test("a hook sees a method's calls, may hold them up, and what it throws is the answer", async () => {
  const { faults, store, real } = setUp();
  const seen: unknown[] = [];
  const hook = faults.on("execute", ({ method, args }) => void seen.push([method, args[0]]));
  await store.execute(get);
  hook.close();
  await store.execute(get);
  expect(seen).toEqual([["execute", get]]);
  faults.on("execute", () => {
    throw new RouteError("CORRUPT", "planted");
  });
  expect(await codeOf(store.execute(claim))).toEqual(["CORRUPT", undefined]);
  expect(await store.servicesOf("prod", "alice")).toEqual(new Map());
  expect(await real.execute(get)).toBeUndefined();
});

test("dropped pushes don't arrive, later ones do", async () => {
  const { faults, store } = setUp();
  const pods: PodEvent[] = [];
  const lost: unknown[] = [];
  store.watchPods("prod", "room", (event) => void pods.push(event));
  store.watchLostLinks("prod", "room", 1, (one) => void lost.push(one));
  faults.dropPushes(1);
  const result = await store.register(registration);
  const incarnation = result.registered ? result.incarnation : 0;
  await store.leave({ namespace: "prod", service: "room", podIndex: 1, incarnation });
  await store.execute({ kind: "set", ...key, owner: { podIndex: 1, incarnation }, lifetime: "persistent" });
  await store.execute({ kind: "set", ...key, owner: { podIndex: 2 }, lifetime: "persistent" });
  await Promise.resolve();
  expect(pods).toMatchObject([{ row: { serviceState: "Terminating" } }]);
  expect(lost).toHaveLength(1);
});

test("a list that is refused, or a closed store, rejects as a whole as the real one does", async () => {
  const { store } = setUp();
  const tooMany = Array.from({ length: 10_001 }, () => get);
  expect(await codeOf(store.executeAll(tooMany))).toEqual(["INVALID_ARGUMENT", "not-applied"]);
  await store.close();
  expect((await codeOf(store.executeAll([get]))) as unknown[]).toContain("CLOSED");
});
