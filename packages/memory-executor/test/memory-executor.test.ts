import { namedOperations, RouteError } from "@podlink/types";
import { expectNothingLeftOpen } from "@podlink/testkit";
import { expect, test } from "vitest";
import { MemoryExecutor, sharedMemoryExecutor } from "../src/index.ts";

const key = { namespace: "prod", service: "room", uid: "alice" };

test("everything embedded in a process shares one store, a new one after it was closed", async () => {
  const shared = sharedMemoryExecutor();
  expect(sharedMemoryExecutor()).toBe(shared);
  await shared.close();
  const next = sharedMemoryExecutor();
  expect(next).not.toBe(shared);
  expect(next.health()).toEqual({ healthy: true });
  await next.close();
});

test("a listener never runs inside the call that caused it", async () => {
  const store = new MemoryExecutor();
  const order: string[] = [];
  store.watchLostLinks("prod", "room", 1, () => order.push("pushed"));
  const owner = { podIndex: 1, incarnation: 5 };
  await store.execute({ kind: "set", ...key, owner, lifetime: "persistent" });
  const call = store.execute({ kind: "set", ...key, owner: { podIndex: 2 }, lifetime: "persistent" });
  order.push("called");
  await call;
  await Promise.resolve();
  expect(order).toEqual(["called", "pushed"]);
});

test("a push that is under way when its listener goes, or the store closes, is not heard", async () => {
  const store = new MemoryExecutor();
  const heard: unknown[] = [];
  const first = store.watchStore((event) => void heard.push(event));
  store.flushAll();
  first.close();
  store.watchStore((event) => void heard.push(event));
  store.watchPods("prod", "room", (event) => void heard.push(event));
  store.watchLostLinks("prod", "room", 1, (lost) => void heard.push(lost));
  const owner = { podIndex: 1, incarnation: 5 };
  await store.execute({ kind: "set", ...key, owner, lifetime: "persistent" });
  void store.execute({ kind: "set", ...key, owner: { podIndex: 2 }, lifetime: "persistent" });
  store.flushAll();
  await store.close();
  await Promise.resolve();
  expect(heard).toEqual([]);
});

test("flushAll forgets tags and workload states too, and can't be asked of a closed store", async () => {
  const store = new MemoryExecutor();
  await store.setServiceTag("prod", "tag", "room");
  await store.setWorkloadState("prod", "room", "Ready", 60_000);
  store.flushAll();
  expect(await store.serviceByTag("prod", "tag")).toBeUndefined();
  expect((await store.workloadStates("prod", ["room"])).size).toBe(0);
  await store.close();
  expect(() => store.flushAll()).toThrow(RouteError);
});

test("a list whose signal is aborted while it is called carries nothing out", async () => {
  const store = new MemoryExecutor();
  const op = { kind: "set", ...key, owner: { podIndex: 1 }, lifetime: "persistent" } as const;
  const answers = await store.executeAll([op, op], { signal: AbortSignal.abort() });
  expect(answers).toMatchObject([{ error: { code: "CANCELLED", outcome: "not-applied" } }, { error: {} }]);
  expect(store.read()["linkOperations"]).toBe(0);
});

test("the operations of a list share one moment", async () => {
  const store = new MemoryExecutor();
  const ops = Array.from({ length: 500 }, (_, index) => ({
    kind: "set" as const,
    ...key,
    uid: `u${index}`,
    owner: { podIndex: 1 },
    lifetime: { ttlMs: 1 },
  }));
  const answers = await store.executeAll(ops);
  expect(answers.every((answer) => "value" in answer && answer.value.link.expiresInMs === 1)).toBe(true);
});

test("the operations by name work over it", async () => {
  const executor = namedOperations(new MemoryExecutor());
  await executor.setLinkedPodIfAbsent(key, { podIndex: 0 }, { ttlMs: 60_000 });
  await executor.setLinkedPod({ ...key, uid: "bob" }, { podIndex: 0, incarnation: 7 }, "persistent");
  await executor.trySetLinkedPod({ ...key, uid: "carol" }, { podIndex: 2 }, { ttlMs: 60_000 });
  expect(await executor.batchGetLinkedPod("prod", "room", ["alice", "bob", "carol", "dave", "bob"])).toEqual(
    new Map([
      [0, ["alice", "bob"]],
      [2, ["carol"]],
    ]),
  );
  expect(await executor.getLinkedPodIfPersist(key)).toBeUndefined();
  expect(await executor.getLinkedPodIfPersist({ ...key, uid: "bob" })).toMatchObject({ incarnation: 7 });
  expect(await executor.removeLinkedPodWithId(key, 1, 0)).toMatchObject({ removed: false });
  expect(await executor.removeLinkedPod(key, 0)).toEqual({ removed: true });
});

test("fault 11: it opens nothing that could be left open", async () => {
  await expectNothingLeftOpen(
    async () => {
      const store = new MemoryExecutor();
      store.watchPods("prod", "room", () => undefined);
      await store.execute({ kind: "set", ...key, owner: { podIndex: 1 }, lifetime: { ttlMs: 1000 } });
      await store.close();
    },
    { graceMs: 0 },
  );
});
