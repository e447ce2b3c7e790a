import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RedisSentinels } from "../../src/redis.ts";
import { startSentinels } from "../../src/redis.ts";

describe("a primary, its replica and three Sentinels", () => {
  let redis: RedisSentinels;
  beforeAll(async () => void (redis = await startSentinels({ server: { password: "secret" } })));
  afterAll(() => redis.end());

  test("agree on who is primary", async () => {
    const [first, second] = redis.servers;
    expect(await redis.primary()).toBe(first);
    expect(await redis.replica()).toBe(second);
    expect(redis.addresses.map(({ port }) => port)).toEqual(redis.sentinels.map(({ port }) => port));
    for (const sentinel of redis.sentinels)
      expect(await sentinel.cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME", redis.name)).toEqual([
        "127.0.0.1",
        String(first?.port),
      ]);
  });

  test("the replica has what the primary has", async () => {
    const [primary, replica] = [await redis.primary(), await redis.replica()];
    await primary.cli("SET", "k", "v");
    expect(await primary.cli("WAIT", 1, 5000)).toBe(1);
    expect(await replica.cli("GET", "k")).toBe("v");
    await expect(replica.cli("SET", "k", "w")).rejects.toThrow("READONLY");
    expect(existsSync(join(replica.directory, "dump.rdb"))).toBe(false);
  });

  test("a failover on command swaps them", async () => {
    const [old, next] = [await redis.primary(), await redis.replica()];
    expect(await redis.failover()).toBe(next);
    expect(await redis.primary()).toBe(next);
    expect(await next.cli("SET", "k", "after")).toBe("OK");
    await expect(old.cli("SET", "k", "w")).rejects.toThrow("READONLY");
  });

  test("a failover because the primary died leaves it dead, and it follows when it is back", async () => {
    const [old, next] = [await redis.primary(), await redis.replica()];
    expect(await redis.failover({ kill: true })).toBe(next);
    expect(old.pid).toBeUndefined();
    expect(await next.cli("SET", "k", "after")).toBe("OK");
    await old.restart();
    expect(await redis.failover()).toBe(old);
    expect(await old.cli("GET", "k")).toBe("after");
  });

  test("two Sentinels are enough", async () => {
    await redis.sentinels[0]?.kill9();
    const next = await redis.replica();
    expect(await redis.failover()).toBe(next);
  });
});
