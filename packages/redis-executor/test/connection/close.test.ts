import { spawn } from "node:child_process";
import { once } from "node:events";
import { expectNothingLeftOpen } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startCluster, startRedis, startSentinels } from "@podlink/testkit/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RedisExecutorOptions } from "../../src/index.ts";
import { RedisExecutor } from "../../src/index.ts";
import { failureOf, openConnection } from "../support/connections.ts";

const get = { kind: "get", namespace: "prod", service: "room", uid: "u" } as const;

let redis: RedisServer;
beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.end());

async function use(options: RedisExecutorOptions): Promise<void> {
  const executor = new RedisExecutor(options);
  await executor.init(["prod"], { timeoutMs: 4000 });
  executor.watchPods("prod", "room", () => undefined);
  await executor.execute(get);
  await executor.close();
}

describe("fault 11: nothing is left after close", () => {
  test("of one server", () => expectNothingLeftOpen(() => use({ url: redis.url })));

  test("of Sentinels", async () => {
    const watched = await startSentinels();
    await expectNothingLeftOpen(() => use({ sentinels: { name: watched.name, nodes: watched.addresses } }));
    await watched.end();
  });

  test("of a Cluster", async () => {
    const cluster = await startCluster();
    await expectNothingLeftOpen(() => use({ cluster: { nodes: cluster.addresses } }));
    await cluster.end();
  });

  test("of one that never got through", () =>
    expectNothingLeftOpen(async () => {
      const executor = new RedisExecutor({ url: "redis://127.0.0.1:1" });
      executor.watchPods("prod", "room", () => undefined);
      await failureOf(() => executor.execute(get, { timeoutMs: 100 }));
      await executor.close();
    }));

  test("closed before it was connected, and with calls under way", () =>
    expectNothingLeftOpen(async () => {
      await new RedisExecutor({ url: redis.url }).close();
      const executor = new RedisExecutor({ url: redis.url });
      const calls = [executor.execute(get), executor.readPods("prod", "room"), executor.init(["prod"])].map((call) =>
        failureOf(() => call),
      );
      await executor.close();
      for (const { error, tookMs } of await Promise.all(calls)) {
        expect(error.code).toBe("CLOSED");
        expect(tookMs).toBeLessThan(1000);
      }
    }));

  test("while Redis is stopped", async () => {
    const stopped = await startRedis();
    await expectNothingLeftOpen(async () => {
      const executor = new RedisExecutor({ url: stopped.url });
      await executor.init(["prod"]);
      stopped.stop();
      const call = failureOf(() => executor.execute(get));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await executor.close();
      expect((await call).error.code).toBe("CLOSED");
    });
    await stopped.end();
  });

  test("`await using` closes", async () => {
    let executor: RedisExecutor;
    {
      await using scoped = new RedisExecutor({ url: redis.url });
      executor = scoped;
      await executor.execute(get);
    }
    expect((await failureOf(() => executor.execute(get))).error.code).toBe("CLOSED");
  });
});

test("a process ends by itself after close", async () => {
  const source = `
    import { RedisExecutor } from "@podlink/redis-executor";
    const executor = new RedisExecutor({ url: process.env.REDIS_OF_THE_TEST });
    await executor.init(["prod"], { timeoutMs: 4000 });
    executor.watchPods("prod", "room", () => undefined);
    await executor.readPods("prod", "room");
    await executor.close();
    process.stdout.write("closed");
  `;
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "-C", "@podlink/source", "--input-type=module", "--eval", source],
    {
      env: { ...process.env, REDIS_OF_THE_TEST: redis.url },
      stdio: ["ignore", "pipe", "inherit"],
      cwd: import.meta.dirname,
    },
  );
  let closedAt = 0;
  child.stdout.on("data", () => (closedAt = performance.now()));
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
  expect(closedAt).toBeGreaterThan(0);
  expect(performance.now() - closedAt).toBeLessThan(3000);
});

test("a call that waited for its subscription when it was closed ends too", async () => {
  const { connection } = openConnection({ url: redis.url });
  connection.subscribe(
    "never",
    () => undefined,
    () => undefined,
  );
  const calls = [connection.command("k", "GET"), connection.command("k", "GET")].map((call) => failureOf(() => call));
  await connection.close();
  for (const { error } of await Promise.all(calls))
    expect(error).toMatchObject({ code: "CLOSED", outcome: "not-applied" });
});
