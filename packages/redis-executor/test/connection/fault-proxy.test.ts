import type { FaultProxies, FaultProxy } from "@podlink/testkit";
import { startFaultProxies, startFaultProxy } from "@podlink/testkit";
import type { RedisCluster, RedisServer } from "@podlink/testkit/redis";
import { startCluster, startRedis } from "@podlink/testkit/redis";
import { RouteError } from "@podlink/types";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { RedisExecutorOptions } from "../../src/index.ts";
import { RedisExecutor } from "../../src/index.ts";
import { eventually, failureOf } from "../support/connections.ts";
import { uniquePrefix } from "../support/executor-harness.ts";

const NAMESPACE = "prod";
const at = (uid: string) => ({ namespace: NAMESPACE, service: "room", uid });
const set = (uid: string, podIndex = 0) =>
  ({ kind: "set", ...at(uid), owner: { podIndex }, lifetime: { ttlMs: 60_000 } }) as const;
const claim = (uid: string) => ({ ...set(uid), kind: "setIfAbsent" }) as const;
const read = (uid: string) => ({ kind: "get", ...at(uid) }) as const;

async function openExecutor(options: RedisExecutorOptions): Promise<RedisExecutor> {
  const executor = new RedisExecutor({ prefix: uniquePrefix(), ...options });
  onTestFinished(() => executor.close());
  await executor.init([NAMESPACE], { timeoutMs: 10_000 });
  return executor;
}

describe("one server", () => {
  let redis: RedisServer;
  let proxy: FaultProxy;
  beforeAll(async () => void (redis = await startRedis()));
  afterAll(() => redis.end());
  beforeEach(async () => {
    proxy = await startFaultProxy({ target: redis });
    onTestFinished(() => proxy.end());
  });

  const open = (options: RedisExecutorOptions = {}): Promise<RedisExecutor> =>
    openExecutor({ url: proxy.url("redis"), ...options });

  /** How often a link was set, by anybody, since the server's start. */
  async function writes(): Promise<number> {
    const { cmdstat_hset = "" } = await redis.info("commandstats");
    return Number(/calls=(\d+)/.exec(cmdstat_hset)?.[1] ?? 0);
  }

  test("replies and requests that come byte by byte are understood", async () => {
    const rule = proxy.add({ fault: "fragment" });
    const store = await open({ commandTimeoutMs: 10_000 });
    const call = { timeoutMs: 20_000 };
    const uids = Array.from({ length: 20 }, (_, index) => `größer-🦔-${index}`);
    await Promise.all(uids.map((uid, podIndex) => store.execute(set(uid, podIndex), call)));
    const links = await store.executeAll(uids.map(read), call);
    expect(links).toMatchObject(uids.map((uid, podIndex) => ({ value: { uid, podIndex } })));
    expect(rule.fired).toBeGreaterThan(10);
  });

  test("a write whose reply is lost is made once, and its caller hears that it may have been", async () => {
    const store = await open();
    const before = await writes();
    const rule = proxy.add({ fault: "loseReply", times: 1 });
    const { error } = await failureOf(() => store.execute(set("alice", 3)));
    expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    expect(rule.fired).toBe(1);
    await eventually("an answer", async () => (await store.execute(read("alice")))?.podIndex === 3);
    expect((await writes()) - before).toBe(1);
  });

  test("a claim whose reply is lost is answered from what it wrote the first time", async () => {
    const store = await open();
    const written = async () => redis.cli("HGET", String(await redis.cli("KEYS", "*bob")), "room");
    const rule = proxy.add({ fault: "loseReply", times: 1 });
    const claimed = store.execute(claim("bob"), { timeoutMs: 10_000 });
    await rule.whenFired();
    const first = await written();
    expect(first).toEqual(expect.any(String));
    expect(await claimed).toMatchObject({ created: true, repeated: true });
    expect(await written()).toBe(first);
  });

  test("a write whose request is lost never happens, later neither", async () => {
    const store = await open();
    const before = await writes();
    const rule = proxy.add({ fault: "loseRequest", bytes: (chunk) => chunk.includes("carol") });
    const { error } = await failureOf(() => store.execute(set("carol")));
    expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    expect(rule.fired).toBe(1);
    rule.end();
    await eventually("an answer", async () => (await store.execute(read("carol"))) === undefined);
    expect((await writes()) - before).toBe(0);
  });

  test("a line that is dark: calls end by their deadline; the line heals, and what it held back is carried out late", async () => {
    const store = await open({ commandTimeoutMs: 100 });
    const before = await writes();
    const rule = proxy.add({ fault: "blackhole" });
    const { error } = await failureOf(() => store.execute(set("dave", 7), { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    expect(await writes()).toBe(before);
    rule.end();
    await eventually("the write", async () => (await store.execute(read("dave")))?.podIndex === 7);
    expect((await writes()) - before).toBe(1);
  });

  test("connections that stay dead are given up, and later calls work over others", async () => {
    const store = await open({ commandTimeoutMs: 100 });
    const rule = proxy.add({ fault: "blackhole", afterEnd: "dead" });
    await failureOf(() => store.execute(set("erin"), { timeoutMs: 300 }));
    rule.end();
    await eventually("an answer", async () => (await store.execute(read("frank"))) === undefined);
    expect(await store.execute(read("erin"))).toBeUndefined(); // what was under way is lost for good
    expect(proxy.counts.connections.accepted).toBeGreaterThan(1);
  });

  test("late lines delay calls and lose none", async () => {
    const store = await open({ commandTimeoutMs: 5000 });
    proxy.add({ fault: "delay", ms: 40, jitterMs: 20 });
    const uids = Array.from({ length: 50 }, (_, index) => `late-${index}`);
    const claims = await Promise.all(uids.map((uid) => store.execute(claim(uid), { timeoutMs: 10_000 })));
    expect(claims).toMatchObject(uids.map((uid) => ({ created: true, link: { uid } })));
    expect(store.read()["linkRepeats"]).toBe(0);
  });

  test("a slow line: so many operations wait as may, the others are refused at once; all settle", async () => {
    const store = await open({ commandTimeoutMs: 10_000, maxScriptsOnWire: 2, maxWaitingOperations: 500 });
    const rule = proxy.add({ fault: "throttle", bytesPerSecond: 1000, direction: "toServer" });
    const call = { timeoutMs: 20_000 };
    const asked = Array.from({ length: 5000 }, (_, index) => store.execute(set(`slow-${index}`), call));
    const settled = Promise.allSettled(asked);
    await rule.whenFired();
    expect(store.read()["linksWaiting"]).toBeLessThanOrEqual(500);
    expect(store.read()["linkScriptsOnWire"]).toBeLessThanOrEqual(2);
    proxy.heal();
    const results = await settled;
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    expect(refused.length).toBeGreaterThan(4000);
    for (const error of refused) {
      expect(RouteError.is(error)).toBe(true);
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
    }
    expect(results.length - refused.length).toBeGreaterThanOrEqual(500);
    expect(store.read()).toMatchObject({ linksWaiting: 0, linkScriptsOnWire: 0 });
  });
});

describe("a Cluster, each node behind a proxy", () => {
  let cluster: RedisCluster;
  let proxies: FaultProxies;
  beforeAll(
    async () => void (cluster = await startCluster({ server: { config: { "cluster-require-full-coverage": "no" } } })),
  );
  afterAll(() => cluster.end());
  beforeEach(async () => {
    proxies = await startFaultProxies(cluster.addresses);
    onTestFinished(() => proxies.end());
  });

  const open = (options: RedisExecutorOptions = {}): Promise<RedisExecutor> =>
    openExecutor({ cluster: { nodes: proxies.addresses, natMap: proxies.natMap }, ...options });
  const uids = (name: string): string[] => Array.from({ length: 60 }, (_, index) => `${name}-${index}`);

  test("all nodes are reached through their proxies alone", async () => {
    const store = await open({ commandTimeoutMs: 5000 });
    const claims = await store.executeAll(uids("all").map(claim), { timeoutMs: 10_000 });
    expect(claims).toMatchObject(uids("all").map((uid) => ({ value: { created: true, link: { uid } } })));
    for (const node of cluster.nodes) {
      const { accepted } = proxies.of(node).counts.connections;
      expect(accepted).toBeGreaterThan(0);
      const clients = String(await node.cli("CLIENT", "LIST", "TYPE", "normal"))
        .trim()
        .split("\n");
      const overTcp = clients.filter((line) => !line.includes("user=harness"));
      expect(overTcp.length).toBeLessThanOrEqual(proxies.of(node).counts.connections.open);
    }
  });

  test("claims whose replies are lost, now and then, on every node: each is made once", async () => {
    const store = await open();
    const rules = proxies.all.map((proxy) => proxy.add({ fault: "loseReply", times: 1 }));
    const claims = await Promise.all(
      uids("lossy").map((uid) => store.execute(claim(uid), { timeoutMs: 10_000 }).catch((error: unknown) => error)),
    );
    for (const rule of rules) expect(rule.fired).toBe(1);
    for (const [index, answer] of claims.entries())
      if (answer instanceof Error) expect(answer).toMatchObject({ outcome: "unknown" });
      else expect(answer).toMatchObject({ created: true, link: { uid: uids("lossy")[index] } });
    await eventually("all are linked", async () => {
      const links = await store.executeAll(uids("lossy").map(read));
      return links.every((answer) => "value" in answer && answer.value?.podIndex === 0);
    });
  });

  test("a node that is dark takes only its own links with it, until it heals", async () => {
    const store = await open({ commandTimeoutMs: 200 });
    const [victim] = proxies.all;
    const rule = victim?.add({ fault: "blackhole" });
    const answers = await store.executeAll(uids("dark").map(claim), { timeoutMs: 1000 });
    const failed = answers.filter((answer) => "error" in answer);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(answers.length);
    rule?.end();
    await eventually("all answer", async () => {
      const again = await store.executeAll(uids("dark").map(claim));
      return again.every((answer) => "value" in answer);
    });
  });
});
