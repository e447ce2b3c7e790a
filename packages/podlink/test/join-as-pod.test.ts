import { MemoryExecutor } from "@podlink/memory-executor";
import { faultyStore } from "@podlink/testkit";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Pod } from "../src/index.ts";
import { joinAsPod } from "../src/index.ts";

const namespace = "test";
let store: MemoryExecutor;
let pod: Pod;
const saved: [string, number][] = [];

beforeEach(async () => {
  store = new MemoryExecutor();
  saved.length = 0;
  const server = { propagationMs: 1, stop: { deadlineMs: 6000 } };
  pod = await joinAsPod({ store, namespace, service: "room", podIndex: 0, http: { port: 4000 }, server });
});
afterEach(async () => {
  await pod[Symbol.asyncDispose]();
  await store.close();
});

const rows = async () => (await store.readPods(namespace, "room")).rows;

it("fault 11: a pod reports at start, not a period later, and is Pending until it says that it is ready", async () => {
  expect(await rows()).toMatchObject([{ podIndex: 0, serviceState: "Pending", address: { httpPort: 4000 } }]);
  pod.ready();
  await vi.waitFor(async () => expect(await rows()).toMatchObject([{ podIndex: 0, serviceState: "Ready" }]), 20_000);
  expect((await rows())[0]?.incarnation).toBe(pod.identity?.incarnation);
});

it("sessions live in the pod that holds the uid and are saved when it stops", async () => {
  pod.ready();
  const sessions = pod.sessions<{ count: number }>({
    load: () => ({ count: 0 }),
    save: (uid, state) => void saved.push([uid, state.count]),
    idleMs: 60_000,
  });
  for (let turn = 1; turn <= 3; turn += 1) expect(await sessions.use("alice", (state) => ++state.count)).toBe(turn);
  await pod.stop();
  expect(saved).toEqual([["alice", 3]]);
  expect(await rows()).toMatchObject([{ serviceState: "Terminating", routingState: "Shutdown" }]);
});

it("the guard is middleware for node:http", async () => {
  pod.ready();
  expect(pod.guard({ uid: () => "alice" })).toBeTypeOf("function");
});

it("stop is one and the same however often it is called", async () => {
  await Promise.all([pod.stop(), pod.stop(), pod.stop()]);
  expect(pod.read()).toBeTypeOf("object");
  expect(pod.health()).toEqual({ healthy: true });
});

it("a signal drains, then calls what closes the servers, and listens no more", async () => {
  const after = vi.fn();
  const listeners = process.listenerCount("SIGTERM");
  pod.stopOnSignal({ after });
  expect(process.listenerCount("SIGTERM")).toBe(listeners + 1);
  process.emit("SIGTERM");
  process.emit("SIGTERM"); // hurries
  await vi.waitFor(() => expect(after).toHaveBeenCalledTimes(1), 20_000);
  await vi.waitFor(() => expect(process.listenerCount("SIGTERM")).toBe(listeners), 20_000);
  expect(await rows()).toMatchObject([{ routingState: "Shutdown" }]);
});

it("the subscription to signals can be ended", () => {
  const listeners = process.listenerCount("SIGINT");
  pod.stopOnSignal().close();
  expect(process.listenerCount("SIGINT")).toBe(listeners);
});

it("a store that is down at start doesn't keep the pod from starting: it registers when the store is back", async () => {
  const line = faultyStore(store);
  line.cut();
  const server = { heartbeatIntervalMs: 20, propagationMs: 1, stop: { deadlineMs: 6000 } };
  const early = await joinAsPod({
    store: line.store,
    namespace,
    service: "room",
    podIndex: 1,
    grpc: { port: 5000 },
    server,
  });
  early.ready();
  expect(early.identity).toBeUndefined();
  line.heal();
  await vi.waitFor(async () => expect((await rows())[1]).toMatchObject({ podIndex: 1, serviceState: "Ready" }), 20_000);
  expect(early).toMatchObject({ namespace, service: "room", podIndex: 1, identity: { podIndex: 1 } });
  await early.stop();
});
