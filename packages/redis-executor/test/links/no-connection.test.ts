import { startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startCluster, startRedis } from "@podlink/testkit/redis";
import type { LinkOp } from "@podlink/types";
import { describe, expect, onTestFinished, test } from "vitest";
import type { RedisExecutorOptions } from "../../src/index.ts";
import { RedisExecutor } from "../../src/index.ts";
import { eventually } from "../support/connections.ts";

const NAMESPACE = "prod";
const at = (uid: string) => ({ namespace: NAMESPACE, service: "room", uid });
const lifetime = { ttlMs: 60_000 };
const set = (uid: string) => ({ kind: "set", ...at(uid), owner: { podIndex: 1 }, lifetime }) as const;
const read = (uid: string) => ({ kind: "get", ...at(uid) }) as const;

/** One of each that changes something, and each in the ways that differ when it has to be repeated. */
const mutations = (name: string): LinkOp[] => [
  set(`${name}-set`),
  { ...set(`${name}-trySet`), kind: "trySet" },
  { ...set(`${name}-claim`), kind: "setIfAbsent" },
  { ...set(`${name}-replace`), kind: "replace", expectedToken: "1" },
  { kind: "renew", ...at(`${name}-renew`), expected: { podIndex: 1 }, lifetime },
  { kind: "renew", ...at(`${name}-renewToken`), expected: { podIndex: 1, token: "1" }, lifetime },
  { kind: "remove", ...at(`${name}-remove`), graceMs: 0 },
  { kind: "remove", ...at(`${name}-removeToken`), graceMs: 0, expected: { token: "1" } },
];

/** Its commandTimeoutMs is far above every wait here: the wait ends first. */
function open(options: RedisExecutorOptions): RedisExecutor {
  const executor = new RedisExecutor({ commandTimeoutMs: 10_000, ...options });
  onTestFinished(() => executor.close());
  return executor;
}

async function opened(options: RedisExecutorOptions): Promise<RedisExecutor> {
  const executor = open(options);
  await executor.init([NAMESPACE], { timeoutMs: 10_000 });
  return executor;
}

async function start(): Promise<RedisServer> {
  const redis = await startRedis();
  onTestFinished(() => redis.end());
  return redis;
}

const unavailable = { error: { code: "STORE_UNAVAILABLE", outcome: "not-applied", retryable: true } };
const allUnavailable = (ops: readonly LinkOp[]): unknown[] => ops.map(() => unavailable);

describe("what was never sent, as there was no connection, was not applied: the store is unavailable", () => {
  test("Redis went down", async () => {
    const redis = await start();
    const store = await opened({ url: redis.url });
    await redis.kill9();
    await eventually("noticed", () => !store.health().healthy);
    const ops = mutations("down");
    expect(await store.executeAll(ops, { timeoutMs: 50 })).toMatchObject(allUnavailable(ops));
    await expect(store.execute(set("alone"), { timeoutMs: 50 })).rejects.toMatchObject(unavailable.error);
  });

  test("Redis was never there", async () => {
    const redis = await start();
    await redis.kill9();
    const store = open({ url: redis.url });
    const ops = mutations("never");
    expect(await store.executeAll(ops, { timeoutMs: 50 })).toMatchObject(allUnavailable(ops));
  });

  test("a line that is accepted and then silent", async () => {
    const redis = await start();
    const proxy = await startFaultProxy({ target: redis });
    onTestFinished(() => proxy.end());
    const rule = proxy.add({ fault: "blackhole" });
    const store = open({ url: proxy.url("redis") });
    const ops = mutations("dark");
    expect(await store.executeAll(ops, { timeoutMs: 50 })).toMatchObject(allUnavailable(ops));
    expect(proxy.counts.connections.accepted).toBeGreaterThan(0);
    rule.end();
  });

  test("a node of a Cluster is away", async () => {
    const cluster = await startCluster({ server: { config: { "cluster-require-full-coverage": "no" } } });
    onTestFinished(() => cluster.end());
    const store = await opened({ cluster: { nodes: cluster.addresses } });
    const uids = Array.from({ length: 60 }, (_, index) => `away-${index}`);
    await store.executeAll(uids.map(read));
    await cluster.nodes[0]?.kill9();
    await eventually("noticed", () => !store.health().healthy);
    const answers = await store.executeAll(uids.map(set), { timeoutMs: 1000 });
    const failed = answers.filter((answer) => "error" in answer);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(answers.length);
    expect(failed).toMatchObject(failed.map(() => unavailable));
  });
});

test("a caller that gives up before there is a connection: its operation is never sent", async () => {
  const redis = await start();
  const store = await opened({ url: redis.url });
  await redis.kill9();
  await eventually("noticed", () => !store.health().healthy);
  const abort = new AbortController();
  const cancelled = store.execute(set("cancelled"), { signal: abort.signal, timeoutMs: 20_000 });
  await eventually("handed over", () => store.read()["redisCallsUnderWay"] === 1);
  abort.abort();
  await expect(cancelled).rejects.toMatchObject({ code: "CANCELLED", outcome: "not-applied" });
  await redis.restart();
  await eventually("an answer", async () => (await store.execute(read("cancelled"))) === undefined);
});

test("of operations that travel together, those whose callers gave up stay behind, the others arrive", async () => {
  const redis = await start();
  const store = await opened({ url: redis.url });
  await redis.kill9();
  await eventually("noticed", () => !store.health().healthy);
  const uids = ["a", "b", "c", "d"];
  const hasty = uids.map((uid) => store.execute(set(`hasty-${uid}`), { timeoutMs: 50 }));
  const patient = uids.map((uid) => store.execute(set(`patient-${uid}`), { timeoutMs: 20_000 }));
  for (const refused of await Promise.allSettled(hasty))
    expect(refused).toMatchObject({ status: "rejected", reason: unavailable.error });
  expect(store.read()["linkScripts"], "they are one call").toBe(1);
  await redis.restart();
  expect(await Promise.all(patient)).toMatchObject(uids.map((uid) => ({ link: { uid: `patient-${uid}` } })));
  for (const uid of uids) expect(await store.execute(read(`hasty-${uid}`))).toBeUndefined();
  expect(store.read()).toMatchObject({ linksWaiting: 0, linkScriptsOnWire: 0 });
});

test("what was sent and not answered is unknown, though the connection is gone when its caller's wait ends", async () => {
  const redis = await start();
  const store = await opened({ url: redis.url });
  redis.stop();
  const sent = store.execute(set("sent"), { timeoutMs: 300 });
  await expect(sent).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  redis.cont();
});
