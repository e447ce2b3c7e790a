import { RedisExecutor } from "@podlink/redis-executor";
import { expectNothingLeftOpen, recordingLogger } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { JoinOptions } from "../src/index.ts";
import { connect, joinAsPod } from "../src/index.ts";

const namespace = "test";
const server = { propagationMs: 1, stop: { deadlineMs: 6000 } };
const logger = recordingLogger();
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.end());

/** Connections to the server, but for the harness's. */
const connections = async (): Promise<number> => {
  const list = String(await redis.cli("CLIENT", "LIST"));
  return list.split("\n").filter((line) => line.includes("id=") && !line.includes("name=harness")).length;
};
const pod = (podIndex: number, more: JoinOptions = {}) =>
  joinAsPod({ redis: redis.url, namespace, service: "room", podIndex, http: { port: 4000 }, server, logger, ...more });

describe("redis", () => {
  it("is all that a caller and a pod need to meet; what was made for it is closed with them", async () => {
    await expectNothingLeftOpen(async () => {
      const joined = await pod(0);
      joined.ready();
      const podlink = await connect({ redis: redis.url, namespace, logger });
      const rooms = podlink.service("room");
      await vi.waitFor(async () => expect(await rooms.resolve("alice")).toMatchObject({ podIndex: 0 }), 20_000);
      expect([podlink.health(), joined.health()]).toEqual([{ healthy: true }, { healthy: true }]);
      expect(await connections()).toBeGreaterThan(0);
      await podlink.close();
      await podlink.close();
      await joined.stop();
      await vi.waitFor(async () => expect(await connections()).toBe(0), 20_000);
    });
  });

  it("takes the executor's options as well as a URL", async () => {
    const podlink = await connect({ redis: { url: redis.url, prefix: "other" }, namespace, logger });
    await podlink.routes.setGlobalServiceNameTag("blue", "room");
    expect(await redis.cli("KEYS", "other:*")).not.toEqual([]);
    await podlink.close();
  });

  it("keeps links as long as the pod's own options say", async () => {
    const joined = await pod(1, { server: { ...server, ownedTtlMs: 3_600_000 } });
    joined.ready();
    await vi.waitFor(async () => expect(await joined.driver.guard("bob")).toMatchObject({ ok: true }), 20_000);
    const [key = ""] = (await redis.cli("KEYS", "pl:{test/*}bob")) as string[];
    const ttlMs = Number(await redis.cli("PTTL", key));
    expect(ttlMs).toBeGreaterThan(3_500_000);
    expect(ttlMs).toBeLessThanOrEqual(3_600_000);
    await joined.stop();
  });

  it("is the other way to give a store: a store that was passed stays open", async () => {
    const store = new RedisExecutor({ url: redis.url });
    const joined = await joinAsPod({ store, namespace, service: "room", podIndex: 2, server, logger });
    const podlink = await connect({ store, namespace, logger });
    await joined.stop();
    await podlink.close();
    await expect(store.readPods(namespace, "room")).resolves.toMatchObject({ rows: expect.any(Array) as unknown[] });
    await store.close();
  });

  it("left undefined is as if it were not there", async () => {
    const podlink = await connect({ redis: undefined, store: "embedded", namespace });
    await podlink.close();
  });
});

describe("fault 23: nothing is accepted and ignored", () => {
  const bad: readonly [string, () => Promise<unknown>][] = [
    ["connect.redis: not together with store", () => connect({ redis: redis.url, store: "embedded" })],
    ["joinAsPod.redis: not together with store", () => pod(3, { store: "embedded" })],
    ["connect.redis: must be a URL or options", () => connect({ redis: 6379 as never })],
    ["redisExecutor.url: ", () => connect({ redis: "http://:hunter2@localhost" })],
    ["redisExecutor.url: ", () => connect({ redis: "" })],
    ["redisExecutor.prefiks: ", () => connect({ redis: { prefiks: "pl" } as never })],
    ["serverDriver.heartbeatIntervalMs: ", () => pod(3, { server: { heartbeatIntervalMs: 9000 } })],
    ["linkInfoCacheTimeSecs", () => connect({ redis: redis.url, client: { linkInfoCacheTimeSecs: -1 } })],
  ];

  it.each(bad)("%s", async (message, run) => {
    const refused = await run().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "CONFIG", message: expect.stringContaining(message) as string });
    expect((refused as Error).message).not.toContain("hunter2");
    await vi.waitFor(async () => expect(await connections()).toBe(0), 20_000);
  });
});

it("a Redis that does not answer keeps nobody from starting, and nobody from ending", async () => {
  await expectNothingLeftOpen(async () => {
    const nobody = "redis://127.0.0.1:1";
    const podlink = await connect({ redis: nobody, namespace, logger });
    await expect(podlink.service("room").resolve("alice")).rejects.toMatchObject({ retryable: true });
    const joined = await pod(4, { redis: nobody });
    expect(joined.identity).toBeUndefined();
    await podlink.close();
    await joined.stop();
  });
});
