import { startRedis } from "@podlink/testkit/redis";
import { namespaceKey, serviceKey } from "@podlink/types";
import type { WorkloadState } from "@podlink/types";
import { afterAll, expect, test } from "vitest";
import { connectTo, podsStore } from "./pods-store.ts";

const redis = await startRedis();
const connection = connectTo(redis);
afterAll(async () => {
  await connection.close();
  await redis.end();
});

test("what is stored and is no value of ours counts as absent, and is counted", async () => {
  const store = podsStore({ connection });
  await redis.cli("HSET", namespaceKey(store.prefix, "prod", "tags"), "t", "Not A Service");
  expect(await store.serviceByTag("prod", "t")).toBeUndefined();
  await redis.cli("SET", serviceKey(store.prefix, "prod", "odd", "workload"), "Splendid");
  await redis.cli("HSET", serviceKey(store.prefix, "prod", "list", "workload"), "a", "b");
  await store.setWorkloadState("prod", "room", "Ready", 60_000);
  const states = await store.workloadStates("prod", ["odd", "list", "room"]);
  expect(states).toEqual(new Map<string, WorkloadState>([["room", "Ready"]]));
  expect(store.catalogue.read()).toEqual({ catalogueBroken: 2 });
});

test("tags of another type are CORRUPT, and stay", async () => {
  const store = podsStore({ connection });
  const key = namespaceKey(store.prefix, "prod", "tags");
  await redis.cli("SET", key, "somebody else's");
  await expect(store.setServiceTag("prod", "t", "room")).rejects.toMatchObject({ code: "CORRUPT" });
  await expect(store.serviceByTag("prod", "t")).rejects.toMatchObject({ code: "CORRUPT" });
  expect(await redis.cli("GET", key)).toBe("somebody else's");
});

test("a workload state really ends with its ttl", async () => {
  const store = podsStore({ connection });
  await store.setWorkloadState("prod", "room", "Ready", 60_000);
  const left = Number(await redis.cli("PTTL", serviceKey(store.prefix, "prod", "room", "workload")));
  expect(left).toBeGreaterThan(50_000);
  expect(left).toBeLessThanOrEqual(60_000);
});

test("10,000 states are asked for 128 at a time", async () => {
  const store = podsStore({ connection });
  const services = Array.from({ length: 10_000 }, (_, index) => `room-${index}`);
  await store.setWorkloadState("prod", "room-9999", "Pending", 60_000);
  await redis.cli("CONFIG", "RESETSTAT");
  expect(await store.workloadStates("prod", [...services, ...services].slice(0, 10_000))).toEqual(
    new Map<string, WorkloadState>([["room-9999", "Pending"]]),
  );
  expect((await redis.info("commandstats"))["cmdstat_mget"]).toContain(`calls=${Math.ceil(10_000 / 128)},`);
});
