import { recordingLogger } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RedisExecutor } from "../../src/index.ts";
import { eventually, failureOf, increment, openConnection } from "../support/connections.ts";

const SECRET = "s3cret-of-the-test";

let redis: RedisServer;
beforeEach(async () => void (redis = await startRedis({ password: SECRET })));
afterEach(() => redis.end());

const address = (): string => `redis://127.0.0.1:${redis.port}`;

test("the password is taken from the url or from its option", async () => {
  for (const options of [
    { url: redis.url },
    { url: address(), password: SECRET },
    { url: `unix://${redis.path}`, password: SECRET },
  ]) {
    const { connection } = openConnection(options);
    expect(typeof (await connection.run(increment, ["k"], []))).toBe("number");
  }
});

test("a wrong or missing password is UNAUTHENTICATED, unhealthy, and named as such", async () => {
  for (const [options, reason] of [
    [{ password: "wrong-of-the-test" }, "WRONGPASS"],
    [{}, "NOAUTH"],
  ] as const) {
    const { connection } = openConnection({ url: address(), commandTimeoutMs: 100, ...options });
    const { error, tookMs } = await failureOf(() => connection.run(increment, ["k"], []));
    expect(error).toMatchObject({ code: "UNAUTHENTICATED", outcome: "not-applied" });
    expect(tookMs).toBeLessThan(1500);
    expect(connection.health()).toMatchObject({ healthy: false, reason: expect.stringContaining(reason) as string });
  }
});

test("a password that is changed while running is asked for again: present calls go on, a new connection has the new one", async () => {
  let password = SECRET;
  const { connection } = openConnection({ url: address(), password: () => password });
  await connection.run(increment, ["k"], []);
  await redis.acl("default", "resetpass", ">another-of-the-test");
  expect(await connection.run(increment, ["k"], [])).toBe(2); // who is in stays in
  await redis.cli("CLIENT", "KILL", "TYPE", "normal");
  await eventually(
    "refused",
    async () => (await failureOf(() => connection.command("k", "get"))).error.code === "UNAUTHENTICATED",
  );
  password = "another-of-the-test";
  await eventually("back", async () => (await connection.run(increment, ["k"], [])) === 3);
  expect(connection.epoch()).toBe(1);
});

test("a password that can't be had just now stays what it was; at start it is refused", async () => {
  let isThere = true;
  const ask = (): string => {
    if (isThere) return SECRET;
    throw new Error("ENOENT: no such file, open '/run/secrets/s3cret'");
  };
  const { connection, logger } = openConnection({ url: address(), password: ask });
  await connection.run(increment, ["k"], []);
  isThere = false;
  await redis.cli("CLIENT", "KILL", "TYPE", "normal");
  await eventually("back", () => connection.run(increment, ["k"], []));
  expect(JSON.stringify(logger.of("error"))).toContain("the function that was given threw");
  expect(() => new RedisExecutor({ url: address(), password: ask })).toThrow(/redisExecutor\.password/);
});

test("no secret and no uid is in any log, error or health, whatever fails", async () => {
  const logger = recordingLogger();
  const said: string[] = [];
  const executor = new RedisExecutor({ url: redis.url, logger, commandTimeoutMs: 50 });
  executor.watchStore((event) => void said.push(inspect(event)));
  const op = { kind: "get", namespace: "prod", service: "room", uid: "user-4711" } as const;
  await executor.execute(op);
  await redis.cli("SCRIPT", "FLUSH");
  await executor.execute(op);
  await redis.acl("default", "resetpass", ">another-of-the-test");
  await redis.cli("CLIENT", "KILL", "TYPE", "normal");
  for (let calls = 0; calls < 10; calls += 1)
    await executor.execute(op, { timeoutMs: 100 }).catch((error: unknown) => said.push(inspect(error, { depth: 10 })));
  said.push(inspect(executor.health()), inspect(executor, { depth: 3 }));
  await redis.kill9();
  await executor.execute(op, { timeoutMs: 100 }).catch((error: unknown) => said.push(inspect(error, { depth: 10 })));
  await executor.close();
  said.push(...logger.entries.map((entry) => inspect(entry, { depth: 10 })));
  expect(said.length).toBeGreaterThan(5);
  expect(said.join("\n")).not.toMatch(/s3cret|another-of-the-test|4711/);
});
