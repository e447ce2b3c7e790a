import { recordingLogger } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { RedisExecutorOptions } from "../../src/index.ts";
import { RedisExecutor } from "../../src/index.ts";
import { failureOf } from "../support/connections.ts";
import { uniquePrefix } from "../support/executor-harness.ts";
import { commands, permissionsOf } from "../support/permissions.ts";

let redis: RedisServer;
beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.end());

function executorOf(options: RedisExecutorOptions = {}) {
  const logger = recordingLogger();
  const prefix = uniquePrefix();
  const executor = new RedisExecutor({ url: redis.url, logger, prefix, ...options });
  onTestFinished(() => executor.close());
  return { executor, logger, prefix };
}

const get = { kind: "get", namespace: "prod", service: "room", uid: "u" } as const;

describe("what all processes of a namespace must have in common", () => {
  test("is written down with its first use, once", async () => {
    const { executor, prefix } = executorOf({ linkBuckets: 7 });
    await Promise.all(["a", "b", "c"].map((uid) => executor.execute({ ...get, uid })));
    expect(await redis.cli("HGETALL", `${prefix}:{prod}:meta`)).toEqual(["linkBuckets", "7", "format", "1"]);
  });

  test("of links of several that travel together, each is written down", async () => {
    const { executor, prefix } = executorOf();
    await executor.init(["a"]);
    const answers = await executor.executeAll(["a", "b", "c"].map((namespace) => ({ ...get, namespace })));
    expect(answers).toEqual([{}, {}, {}]);
    for (const namespace of ["a", "b", "c"])
      expect(await redis.cli("HGET", `${prefix}:{${namespace}}:meta`, "format"), namespace).toBe("1");
  });

  test("another linkBuckets is refused with both numbers, links and pods alike, and nothing is written", async () => {
    const { executor, prefix } = executorOf({ linkBuckets: 7 });
    await executor.init(["prod"]);
    const other = executorOf({ prefix, linkBuckets: 8 });
    for (const call of [
      () => other.executor.execute({ ...get, kind: "set", owner: { podIndex: 0 }, lifetime: { ttlMs: 1000 } }),
      () => other.executor.readPods("prod", "room"),
      () => other.executor.setServiceTag("prod", "t", "room"),
      () => other.executor.init(["prod"]),
    ]) {
      const { error } = await failureOf(call);
      expect(error).toMatchObject({ code: "CONFIG", retryable: false });
      expect(error.message).toContain("linkBuckets: namespace prod is kept with 7, this process has 8");
    }
    expect(await redis.cli("KEYS", `${prefix}:*`)).toEqual([`${prefix}:{prod}:meta`]);
    expect(await other.executor.execute({ ...get, namespace: "another" })).toBeUndefined();
    expect(other.logger.of("error")).toMatchObject([{ fields: { namespace: "prod", code: "CONFIG" } }]);
  });

  test("a format that is not ours is refused", async () => {
    const { executor, prefix } = executorOf();
    await redis.cli("HSET", `${prefix}:{prod}:meta`, "format", "2 or {user-4711}");
    const { error } = await failureOf(() => executor.execute(get));
    expect(error.code).toBe("CONFIG");
    expect(error.message).not.toContain("4711");
  });

  test("is written again when another life of the store answers", async () => {
    const empty = await startRedis();
    const { executor, prefix } = executorOf({ url: empty.url });
    await executor.init(["prod"]);
    await empty.restart({ empty: true });
    await executor.init([], { timeoutMs: 4000 });
    await executor.execute(get);
    expect(await empty.cli("HGET", `${prefix}:{prod}:meta`, "linkBuckets")).toBe("64");
    await executor.close();
    await empty.end();
  });
});

describe("a permission that is missing", () => {
  const enough = (prefix: string): string[] => [...permissionsOf(prefix, "prod"), "-@all", ...commands];

  test("is named before the first operation, and nothing is written", async () => {
    const prefix = uniquePrefix();
    await redis.acl("app", "on", ">pw", ...enough(prefix), "-pexpireat");
    const { executor } = executorOf({ prefix, username: "app", password: "pw" });
    const { error } = await failureOf(() =>
      executor.execute({ ...get, kind: "set", owner: { podIndex: 0 }, lifetime: { ttlMs: 1000 } }),
    );
    expect(error).toMatchObject({ code: "PERMISSION_DENIED", outcome: "not-applied", retryable: false });
    expect(error.message).toContain("+pexpireat");
    expect(await redis.cli("KEYS", `${prefix}:*`)).toEqual([`${prefix}:{prod}:meta`]);
    await redis.acl("app", "+pexpireat");
    await new Promise((resolve) => setTimeout(resolve, 1000)); // a refusal is kept for so long
    expect(await executor.execute(get)).toBeUndefined();
  });

  test("of another namespace's keys is refused there, and holds here", async () => {
    const prefix = uniquePrefix();
    await redis.acl("one", "on", ">pw", ...enough(prefix));
    const { executor } = executorOf({ prefix, username: "one", password: "pw" });
    expect(await executor.execute(get)).toBeUndefined();
    const { error } = await failureOf(() => executor.execute({ ...get, namespace: "foreign" }));
    expect(error.code).toBe("PERMISSION_DENIED");
  });

  test("+info is warned of by name", async () => {
    const prefix = uniquePrefix();
    await redis.acl("blind", "on", ">pw", ...enough(prefix), "-info");
    const { executor, logger } = executorOf({ prefix, username: "blind", password: "pw" });
    expect(await executor.execute(get)).toBeUndefined();
    expect(logger.of("warn")).toMatchObject([{ fields: { code: "PODLINK_REDIS_PERMISSION" } }]);
    expect(logger.of("warn")[0]?.message).toContain("+info");
  });
});

test("a store that refuses to write still lets links go", async () => {
  const full = await startRedis();
  const { executor } = executorOf({ url: full.url });
  const link = { ...get, uid: "there" };
  await executor.execute({ ...link, kind: "set", owner: { podIndex: 0 }, lifetime: "persistent" });
  await full.config("maxmemory", "1mb");
  const fresh = executorOf({ url: full.url }).executor; // one that comes when it is full already
  const { error } = await failureOf(() =>
    fresh.execute({ ...link, kind: "set", owner: { podIndex: 0 }, lifetime: "persistent" }, { timeoutMs: 300 }),
  );
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
  expect(await executor.execute({ ...link, kind: "remove", graceMs: 0 })).toEqual({ removed: true });
  expect(executor.health()).toEqual({ healthy: true });
  await Promise.all([executor.close(), fresh.close()]);
  await full.end();
});
