import { RouteError, systemClock } from "@podlink/types";
import { recordingLogger } from "@podlink/testkit";
import { expect, test } from "vitest";
import { MemoryExecutor } from "../src/index.ts";
import { manualClock } from "./manual-clock.ts";

const claim = {
  kind: "set",
  namespace: "prod",
  service: "room",
  uid: "u",
  owner: { podIndex: 1 },
  lifetime: "persistent",
} as const;
const get = { kind: "get", namespace: "prod", service: "room", uid: "u" } as const;

test("fault 23: ownedTtlMs says how long a persistent link is kept", async () => {
  const clock = manualClock();
  const store = new MemoryExecutor({ clock, ownedTtlMs: 5000 });
  await store.execute(claim);
  clock.ms += 4999;
  expect(await store.execute(get)).not.toHaveProperty("expiresInMs");
  clock.ms += 1;
  expect(await store.execute(get)).toBeUndefined();
});

test("fault 23: overloadScore says which change of the load score is published", async () => {
  const store = new MemoryExecutor({ overloadScore: 50 });
  const scores: number[] = [];
  store.watchPods("prod", "room", (event) => void (event.kind === "pod" && scores.push(event.row.loadScore)));
  const report = {
    serviceState: "Ready",
    routingState: "Ready",
    loadState: 0,
    loadScore: 0,
    linkCount: 0,
    leaseMs: 1000,
    weight: 1,
    metadata: {},
  } as const;
  const pod = { namespace: "prod", service: "room", podIndex: 0, life: "a" };
  const registered = await store.register({ ...pod, takeOver: "now", generation: "g", report });
  const incarnation = registered.registered ? registered.incarnation : 0;
  for (const [index, loadScore] of [49, 50, 99, 20].entries()) {
    await store.report({ ...pod, incarnation, reportNumber: index + 1, report: { ...report, loadScore } });
  }
  await Promise.resolve();
  expect(scores).toEqual([0, 50, 20]);
});

test("fault 23: the clock is the store's time, the logger hears of listeners that throw", async () => {
  const logger = recordingLogger();
  const store = new MemoryExecutor({ clock: systemClock, logger });
  store.watchStore(() => {
    throw new Error("from a listener");
  });
  store.flushAll();
  await Promise.resolve();
  expect(logger.of("error")).toMatchObject([{ fields: { error: "from a listener" } }]);
});

test.each([
  [{ ownedTtlMs: 0 }, "memoryExecutor.ownedTtlMs"],
  [{ ownedTtlMs: 1.5 }, "memoryExecutor.ownedTtlMs"],
  [{ ownedTtlMs: "7d" }, "memoryExecutor.ownedTtlMs"],
  [{ overloadScore: 101 }, "memoryExecutor.overloadScore"],
  [{ overloadScore: 0 }, "memoryExecutor.overloadScore"],
  [{ ttl: 5 }, "memoryExecutor.ttl"],
])("fault 23: %o is refused", (options, path) => {
  let error: unknown;
  try {
    error = new MemoryExecutor(options as object);
  } catch (thrown) {
    error = thrown;
  }
  expect(RouteError.is(error) && error.code).toBe("CONFIG");
  expect(String(error)).toContain(path);
});
