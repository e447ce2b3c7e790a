import { startRedis } from "@podlink/testkit/redis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RedisServer } from "@podlink/testkit/redis";
import { heartbeat, podReport, registration } from "./pod-report.ts";
import type { PodsStore } from "./pods-store.ts";
import { connectTo, podsStore } from "./pods-store.ts";

describe("a Redis in trouble", () => {
  let redis: RedisServer;
  let store: PodsStore;
  beforeEach(async () => {
    redis = await startRedis();
    store = podsStore({ connection: connectTo(redis) });
  });
  afterEach(async () => {
    await store.close();
    await redis.end();
  });

  async function given(podIndex: number): Promise<number> {
    const result = await store.register(registration({ podIndex }));
    return result.registered ? result.incarnation : 0;
  }

  test("without memory: a registration is refused whole; pods that are there go on reporting, and can leave", async () => {
    const incarnation = await given(0);
    await redis.config("maxmemory", 1);
    const before = await store.readPods("prod", "room");
    await expect(store.register(registration({ podIndex: 1 }))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      outcome: "not-applied",
    });
    expect(await store.readPods("prod", "room")).toEqual({ ...before, nowMs: expect.any(Number) as number });
    const report = podReport({ serviceState: "NotReady" });
    expect(await store.report(heartbeat(incarnation, { report }))).toMatchObject({ accepted: true });
    expect(await store.leave({ namespace: "prod", service: "room", podIndex: 0, incarnation })).toEqual({ left: true });
    expect((await store.readPods("prod", "room")).rows).toMatchObject([{ serviceState: "Terminating" }]);
    await redis.config("maxmemory", 0);
    expect(await given(1)).toBeGreaterThan(0);
  });

  test("that has stopped: calls end at their deadline, unknown; a registration tried again is adopted", async () => {
    await given(0);
    redis.stop();
    const asked = store.register(registration({ podIndex: 1, life: "late" }), { timeoutMs: 100 });
    await expect(asked).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    const read = store.readPods("prod", "room", { timeoutMs: 100 });
    await expect(read).rejects.toMatchObject({ code: expect.stringMatching(/TIMEOUT|STORE_UNAVAILABLE/) as string });
    redis.cont();
    await expect
      .poll(() => store.register(registration({ podIndex: 1, life: "late" })).catch(() => undefined), {
        timeout: 10_000,
      })
      .toMatchObject({ registered: true, adopted: true });
  });

  test("that refuses reports refuses readings too: nobody is taken for silent there", async () => {
    const incarnation = await given(0);
    const refused = { code: "STORE_UNAVAILABLE", outcome: "not-applied" };
    const reported = (reportNumber: number) => store.report(heartbeat(incarnation, { reportNumber }));
    await redis.config("min-replicas-to-write", 1);
    await expect(reported(1)).rejects.toMatchObject(refused);
    await expect(store.readPods("prod", "room")).rejects.toMatchObject(refused);
    await redis.config("min-replicas-to-write", 0);
    await redis.cli("REPLICAOF", "127.0.0.1", 1);
    await expect(reported(1)).rejects.toMatchObject(refused);
    await expect(store.readPods("prod", "room")).rejects.toMatchObject(refused);
    await redis.cli("REPLICAOF", "NO", "ONE");
    await expect.poll(() => reported(1).catch(() => undefined), { timeout: 10_000 }).toMatchObject({ accepted: true });
  });

  test("that forgets its scripts gets them again", async () => {
    await given(0);
    await redis.cli("SCRIPT", "FLUSH");
    expect(await given(1)).toBeGreaterThan(0);
    expect((await store.readPods("prod", "room")).rows).toHaveLength(2);
  });

  test("that comes back empty has another generation, and its pods are gone", async () => {
    const incarnation = await given(0);
    await redis.cli("FLUSHALL");
    expect(await store.report(heartbeat(incarnation))).toEqual({ accepted: false, reason: "gone" });
    const again = { floor: incarnation, generation: "another" };
    const result = await store.register(registration(again));
    expect(result).toMatchObject({ registered: true, generation: "another" });
    expect(result.registered && result.incarnation).toBeGreaterThan(incarnation);
  });

  test("a report finds that the generation alone is gone", async () => {
    const incarnation = await given(0);
    await redis.cli("DEL", `${store.prefix}:{prod/room}:meta`);
    expect(await store.report(heartbeat(incarnation))).toEqual({ accepted: true, writesWorkload: true });
    const result = await store.register(registration({ expected: incarnation, generation: "another" }));
    expect(result).toMatchObject({ registered: true, generation: "another" });
  });
});
