import { setTimeout } from "node:timers/promises";
import type { RedisOptions } from "ioredis";
import { Cluster, Redis } from "ioredis";
import { startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startCluster, startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { RedisExecutor } from "../../src/index.ts";
import { eventually, failureOf, increment, openConnection } from "../support/connections.ts";
import { uniquePrefix } from "../support/executor-harness.ts";

let redis: RedisServer;
beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.end());

function clientOf(port: number, options: RedisOptions = {}): Redis {
  const client = new Redis({ ...options, replyMapping: "legacy", port, host: "127.0.0.1" });
  client.on("error", () => undefined);
  onTestFinished(() => client.disconnect());
  return client;
}

test("it is used as it is, and open after close", async () => {
  const client = clientOf(redis.port);
  const executor = new RedisExecutor({ client, prefix: uniquePrefix() });
  await executor.init(["prod"]);
  const events: unknown[] = [];
  executor.watchPods("prod", "room", (event) => void events.push(event));
  await executor.readPods("prod", "room");
  await executor.close();
  expect(client.status).toBe("ready");
  expect(await client.ping()).toBe("PONG");
  expect(client.listenerCount("ready") + client.listenerCount("close")).toBe(0);
  await eventually(
    "the subscriber is gone",
    async () => !String(await redis.cli("CLIENT", "LIST")).includes("cmd=subscribe"),
  );
});

test("one that waits to be asked is connected", async () => {
  const client = clientOf(redis.port, { lazyConnect: true });
  const { connection } = openConnection({ client });
  expect(typeof (await connection.run(increment, ["lazy"], []))).toBe("number");
});

test("a keyPrefix, replicas to read from, or a second login are refused", () => {
  const prefixed = clientOf(redis.port, { keyPrefix: "x:", lazyConnect: true });
  expect(() => new RedisExecutor({ client: prefixed })).toThrow(/keyPrefix/);
  const scaled = new Cluster([{ host: "127.0.0.1", port: 1 }], { scaleReads: "slave", lazyConnect: true });
  expect(() => new RedisExecutor({ client: scaled })).toThrow(/scaleReads/);
  const plain = clientOf(redis.port, { lazyConnect: true });
  expect(() => new RedisExecutor({ client: plain, password: "pw" })).toThrow(/belongs to the client/);
  expect(() => new RedisExecutor({ client: plain, url: redis.url })).toThrow(/only one of them/);
});

test("its offline queue runs nothing that its caller has given up", async () => {
  const other = await startRedis();
  const client = clientOf(other.port, { retryStrategy: () => 50 });
  const { connection } = openConnection({ client, commandTimeoutMs: 100 });
  await connection.whenReady(20_000);
  await other.kill9();
  const { error } = await failureOf(() => connection.run(increment, ["late"], []));
  expect(error.outcome).toBe("not-applied");
  await other.restart();
  await connection.whenReady(20_000);
  await setTimeout(100);
  expect(await other.cli("GET", "late")).toBeUndefined();
  await connection.close();
  client.disconnect();
  await other.end();
});

test("what it would send again after a lost reply is not executed twice", async () => {
  const proxy = await startFaultProxy({ target: redis });
  const client = clientOf(proxy.port, { autoResendUnfulfilledCommands: true, retryStrategy: () => 10 });
  const { connection } = openConnection({ client, commandTimeoutMs: 5000 });
  await connection.run(increment, ["warm"], []);
  proxy.add({ fault: "loseReply", times: 1 });
  const { error, tookMs } = await failureOf(() => connection.run(increment, ["resent"], []));
  expect(error.outcome).toBe("unknown");
  expect(tookMs).toBeLessThan(3000);
  await eventually("an answer", () => connection.run(increment, ["warm"], []));
  expect(await redis.cli("GET", "resent")).toBe("1");
  expect(await client.get("resent")).toBe("1"); // its answers are still in step
  await connection.close();
  client.disconnect();
  await proxy.end();
});

test("a restarted server is noticed through it too", async () => {
  const other = await startRedis();
  const client = clientOf(other.port, { retryStrategy: () => 20 });
  const { connection } = openConnection({ client });
  await connection.run(increment, ["k"], []);
  await other.restart();
  await eventually("an answer", () => connection.run(increment, ["k"], []));
  expect(connection.epoch()).toBe(2);
  await connection.close();
  client.disconnect();
  await other.end();
});

test("a Cluster client too", async () => {
  const cluster = await startCluster({ masters: 3 });
  const client = new Cluster([...cluster.addresses]);
  const { connection } = openConnection({ client });
  await connection.whenReady(20_000);
  for (const key of ["a", "b", "c", "d"]) expect(await connection.run(increment, [key], [])).toBe(1);
  expect(connection.kind).toBe("cluster");
  const heard: string[] = [];
  await connection.subscribe(
    "news",
    (message) => void heard.push(message),
    () => undefined,
  ).effective;
  await cluster.nodes[0]?.cli("PUBLISH", "news", "m");
  await eventually("heard", () => heard.length === 1);
  await connection.close();
  expect(client.status).toBe("ready");
  client.disconnect();
  await cluster.end();
});
