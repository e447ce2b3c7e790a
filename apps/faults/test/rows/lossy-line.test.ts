import { readFileSync } from "node:fs";
import { join } from "node:path";
import { faultRow } from "@podlink/faults";
import { HeapWatcher, Lateness, startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import type { PodEvent } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { expect, vi } from "vitest";
import { startCaller, startPod } from "./support/redis-pods.ts";
import { at, claim, failureOf, NAMESPACE, openStore, read, SERVICE, set, uids } from "./support/redis-store.ts";

/** How often a link was written, by anybody, since the server's start. */
async function writes(redis: RedisServer): Promise<number> {
  const { cmdstat_hset = "", cmdstat_hsetnx = "" } = await redis.info("commandstats");
  return [cmdstat_hset, cmdstat_hsetnx].reduce((sum, said) => sum + Number(/calls=(\d+)/.exec(said)?.[1] ?? 0), 0);
}

faultRow(
  5,
  "a write that can't be repeated is made once; its caller hears that it may have been, and reads which",
  async (row) => {
    await using redis = await startRedis();
    await using line = await startFaultProxy({ target: redis });
    await using store = await openStore({ url: line.url("redis") });
    const before = await writes(redis);
    const rule = row.proxy(line).add({ fault: "loseReply", times: 1 });
    const { error } = await row.request(() => failureOf(() => store.execute(set("alice", 3))));
    expect(rule.fired).toBe(1);
    expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    await vi.waitFor(async () => expect(await store.execute(read("alice"))).toMatchObject({ podIndex: 3 }), 5000);
    expect((await writes(redis)) - before).toBe(1);
    row.saw("a set: TIMEOUT, unknown; written once, and read afterwards");
  },
);

faultRow(6, "a write that can't be repeated ends unknown, and never happens", async (row) => {
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  await using store = await openStore({ url: line.url("redis") });
  const before = await writes(redis);
  const rule = row.proxy(line).add({ fault: "loseRequest", bytes: (chunk) => chunk.includes("carol") });
  const { error } = await row.request(() => failureOf(() => store.execute(set("carol"))));
  expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  expect(rule.fired).toBe(1);
  rule.end();
  await vi.waitFor(async () => expect(await store.execute(read("carol"))).toBeUndefined(), 5000);
  // Another write behind it: whatever was on its way before has arrived.
  expect(await store.execute(set("dave"))).toMatchObject({ link: { uid: "dave" } });
  expect((await writes(redis)) - before).toBe(1);
  expect(await store.execute(read("carol"))).toBeUndefined();
  row.saw("a set: TIMEOUT, unknown; written 0 times");
});

faultRow(6, "a claim is repeated, and made once", async (row) => {
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  await using store = await openStore({ url: line.url("redis") });
  const before = await writes(redis);
  const rule = row.proxy(line).add({ fault: "loseRequest", times: 1, bytes: (chunk) => chunk.includes("erin") });
  const result = await row.request(() => store.execute(claim("erin", 3), { timeoutMs: 10_000 }));
  expect(rule.fired).toBe(1);
  expect(result).toMatchObject({ created: true, link: { podIndex: 3 } });
  expect(result, "the first try never was").not.toHaveProperty("repeated");
  expect((await writes(redis)) - before).toBe(1);
  expect(await store.execute(read("erin"))).toMatchObject({ podIndex: 3 });
  row.saw("a claim: repeated, written once");
});

faultRow(7, "a dead line is noticed within the socket's timeout, and no call waits longer than it may", async (row) => {
  const commandTimeoutMs = 100;
  const socketTimeoutMs = 4 * commandTimeoutMs;
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  await using store = await openStore({ url: line.url("redis"), commandTimeoutMs });
  await store.execute(claim("ann"));
  const accepted = line.counts.connections.accepted;
  let unhealthyAtMs: number | undefined;
  store.watchStore((event) => {
    if (event.kind === "health" && !event.health.healthy) unhealthyAtMs ??= performance.now();
  });
  using lateness = new Lateness();
  const rule = row.proxy(line).add({ fault: "blackhole", afterEnd: "dead" });
  const darkAtMs = performance.now();
  // One call alone: five would open the breaker, and that would be what notices.
  const { error, tookMs } = await row.request(() =>
    failureOf(() => store.execute(set("bob"), { timeoutMs: 2 * commandTimeoutMs })),
  );
  expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  expect(tookMs).toBeLessThan(2 * commandTimeoutMs + 50 + lateness.totalMs);
  await vi.waitFor(() => expect(unhealthyAtMs).toBeDefined(), 5000);
  const noticedMs = (unhealthyAtMs ?? Infinity) - darkAtMs;
  expect(noticedMs).toBeLessThan(socketTimeoutMs + 50 + lateness.totalMs);
  const during = await Promise.all(
    uids("dark", 20).map((uid) => row.request(() => failureOf(() => store.execute(read(uid), { timeoutMs: 300 })))),
  );
  for (const each of during) expect(each.tookMs).toBeLessThan(300 + 50 + lateness.totalMs);
  rule.end();
  await vi.waitFor(async () => expect(await store.execute(read("ann"))).toMatchObject({ uid: "ann" }), 10_000);
  expect(line.counts.connections.accepted).toBeGreaterThan(accepted);
  expect(await store.execute(read("bob")), "what was on a dead line is lost").toBeUndefined();
  row.saw(`noticed after ${Math.round(noticedMs)} ms of ${socketTimeoutMs}; 21 calls within their deadlines`);
});

faultRow(8, "late and lossy lines kill no pod, and no call takes longer than it may", async (row) => {
  const server = { heartbeatIntervalMs: 500, leaseMs: 3000, leaseMarginMs: 300 };
  const deadlineMs = 1000;
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis, seed: 8 });
  const events: string[] = [];
  const observer = { start: () => undefined, event: ({ kind }: { kind: string }) => void events.push(kind) };
  const shared = { redis: line.url("redis"), observer };
  await using one = await startPod(0, { ...shared, server });
  await using two = await startPod(1, { ...shared, server });
  await using caller = await startCaller({
    ...shared,
    routes: { stateRefreshMs: 500, silenceMs: 1200 },
    client: { leaseMs: server.leaseMs, failover: { graceMs: 1000 }, linkInfoCacheTimeSecs: 1 },
  });
  await vi.waitFor(async () => expect(await caller.routes.routablePods(SERVICE)).toHaveLength(2), 10_000);
  const rooms = caller.service(SERVICE);
  for (const uid of uids("user", 50)) await rooms.resolve(uid);
  const lives = [one.pod, two.pod].map(({ identity }) => identity?.incarnation);
  events.length = 0;

  using lateness = new Lateness();
  const proxy = row.proxy(line);
  // There and back 200 ms, give or take 100; a lost segment comes when TCP sends it again, 200 ms later at the earliest.
  const directions = ["toServer", "toClient"] as const;
  for (const direction of directions) proxy.add({ fault: "delay", ms: 100, jitterMs: 50, direction });
  for (const direction of directions) proxy.add({ fault: "delay", ms: 200, share: 0.05, direction });
  const took: number[] = [];
  let failed = 0;
  const endAtMs = performance.now() + 2 * server.leaseMs;
  const ask = async (uid: string): Promise<void> => {
    while (performance.now() < endAtMs) {
      const startedAtMs = performance.now();
      try {
        await row.request(() =>
          caller.client.getLinkedPodNotCache({ service: SERVICE, uid }, { timeoutMs: deadlineMs }),
        );
      } catch (error) {
        expect(RouteError.is(error)).toBe(true);
        failed += 1;
      }
      took.push(performance.now() - startedAtMs);
      expect(await caller.routes.isPodAvailable(SERVICE, 0)).toBe(true);
      expect(await caller.routes.isPodAvailable(SERVICE, 1)).toBe(true);
    }
  };
  await Promise.all(uids("user", 10).map(ask));

  expect(events).toEqual([]); // nobody fenced, registered again, or replaced
  expect([one.pod, two.pod].map(({ identity }) => identity?.incarnation)).toEqual(lives);
  took.sort((a, b) => a - b);
  const p99 = took[Math.floor(took.length * 0.99)] ?? Infinity;
  expect(took.at(-1)).toBeLessThan(deadlineMs + 50 + lateness.totalMs);
  expect(failed / took.length, "one that lost twice may be too late").toBeLessThan(0.1);
  proxy.heal();
  row.saw(`0 pods dead in 2 leases; ${took.length} calls, ${failed} failed, p99 ${Math.round(p99)} ms`);
});

faultRow(9, "what waits for a slow line is bounded, the rest is refused at once, all settle", async (row) => {
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  const limits = { maxScriptsOnWire: 2, maxWaitingOperations: 500 };
  await using store = await openStore({ url: line.url("redis"), commandTimeoutMs: 10_000, ...limits });
  const heap = new HeapWatcher({ onViolation: (violation) => expect.fail(violation.message) });
  const proxy = row.proxy(line);
  const rule = proxy.add({ fault: "throttle", bytesPerSecond: 1000, direction: "toServer" });
  const outcomes = { done: 0, refused: 0, others: [] as unknown[] };
  const ask = async (name: string): Promise<void> => {
    const answers = await store.executeAll(
      uids(name, 1000).map((uid) => set(uid)),
      { timeoutMs: 60_000 },
    );
    for (const answer of answers)
      if ("value" in answer) outcomes.done += 1;
      else if (answer.error.code === "STORE_UNAVAILABLE" && answer.error.outcome === "not-applied")
        outcomes.refused += 1;
      else outcomes.others.push(answer.error);
  };
  const first = row.request(() => ask("first"));
  await rule.whenFired();
  await heap.mark("all places taken");
  const flood: Promise<void>[] = [];
  for (let round = 0; round < 100; round += 1) {
    flood.push(row.request(() => ask(`round-${round}`)));
    await new Promise((turn) => setImmediate(turn));
    expect(store.read()["linksWaiting"]).toBeLessThanOrEqual(limits.maxWaitingOperations);
    expect(store.read()["linkScriptsOnWire"]).toBeLessThanOrEqual(limits.maxScriptsOnWire);
  }
  await Promise.race([first, Promise.all(flood.slice(1))]);
  await heap.mark("after the flood");
  heap.atMost(1, "all places taken", "after the flood", { slackBytes: 10_000_000 });
  proxy.heal();
  await Promise.all([first, ...flood]);
  expect(outcomes.others).toEqual([]);
  expect(outcomes.done + outcomes.refused).toBe(101_000);
  expect(outcomes.done).toBeGreaterThanOrEqual(limits.maxWaitingOperations);
  expect(outcomes.refused).toBeGreaterThan(100_000 - 5000);
  expect(store.read()).toMatchObject({ linksWaiting: 0, linkScriptsOnWire: 0 });
  const growth = heap.growth("all places taken", "after the flood");
  row.saw(`${outcomes.refused} of 101,000 refused at once, heap x ${growth.toFixed(2)}`);
});

faultRow(9, "a connection that Redis kills because its reader is too slow is made again", async (row) => {
  await using redis = await startRedis();
  // A unix socket holds little: what its reader doesn't take stays in Redis.
  await using line = await startFaultProxy({ target: { path: redis.path } });
  await using store = await openStore({ url: line.url("redis"), commandTimeoutMs: 10_000 });
  const names = uids("reader", 10_000);
  await store.executeAll(
    names.map((uid) => claim(uid)),
    { timeoutMs: 30_000 },
  );
  const heap = new HeapWatcher({ onViolation: (violation) => expect.fail(violation.message) });
  await heap.mark("before");
  const { accepted } = line.counts.connections;
  const server = row.server(redis);
  const proxy = row.proxy(line);
  await server.config("client-output-buffer-limit", "normal 65536 0 0");
  const rule = proxy.add({ fault: "throttle", bytesPerSecond: 20_000, direction: "toClient" });
  const asked = Array.from({ length: 3 }, () =>
    row.request(() => store.executeAll(names.map(read), { timeoutMs: 20_000 })),
  );
  await rule.whenFired();
  await vi.waitFor(
    () => expect(readFileSync(join(redis.directory, "log"), "utf8")).toContain("output buffer limits"),
    10_000,
  );
  await server.config("client-output-buffer-limit", "normal 0 0 0");
  proxy.heal();
  const answers = (await Promise.all(asked)).flat();
  for (const answer of answers)
    if ("error" in answer) expect(answer.error.code).toMatch(/^(?:STORE_UNAVAILABLE|TIMEOUT)$/);
    else expect(answer.value).toMatchObject({ podIndex: 0 });
  expect(answers).toHaveLength(3 * names.length);
  const failed = answers.filter((answer) => "error" in answer).length;
  answers.length = 0;
  await vi.waitFor(async () => expect(await store.execute(read("reader-7"))).toMatchObject({ podIndex: 0 }), 10_000);
  expect(line.counts.connections.accepted).toBeGreaterThan(accepted);
  await heap.mark("after");
  heap.atMost(1, "before", "after", { slackBytes: 10_000_000 });
  row.saw(`killed for its output buffer and made again; of 30,000 reads ${failed} failed, typed`);
});

faultRow(10, "links, refusals, pods and messages that come byte by byte are read correctly", async (row) => {
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  const rule = row.proxy(line).add({ fault: "fragment" });
  await using direct = await openStore({ url: redis.url });
  await using store = await openStore({ url: line.url("redis"), commandTimeoutMs: 10_000 });
  const call = { timeoutMs: 20_000 };
  const names = uids("größer-🦔", 30);
  const made = await row.request(() =>
    store.executeAll(
      names.map((uid, podIndex) => claim(uid, podIndex)),
      call,
    ),
  );
  expect(made).toMatchObject(names.map((uid, podIndex) => ({ value: { created: true, link: { uid, podIndex } } })));
  const links = await row.request(() => store.executeAll(names.map(read), call));
  expect(links).toEqual(await direct.executeAll(names.map(read)));

  const [key = ""] = (await redis.cli("KEYS", "*-3")) as string[];
  expect(key).not.toBe("");
  await redis.cli("DEL", key);
  await redis.cli("SET", key, "not a hash");
  await expect(row.request(() => store.execute(read("größer-🦔-3"), call))).rejects.toMatchObject({ code: "CORRUPT" });

  const heard: PodEvent[] = [];
  store.watchPods(NAMESPACE, SERVICE, (event) => void heard.push(event));
  await vi.waitFor(() => expect(store.read()["subscriptionsUnconfirmed"]).toBe(0), 10_000);
  await using pod = await startPod(4, { redis: redis.url, server: { metadata: { grüße: "🦔".repeat(20) } } });
  await vi.waitFor(
    () => expect(heard.some((event) => event.kind === "pod" && event.row.serviceState === "Ready")).toBe(true),
    10_000,
  );
  const reading = await row.request(() => store.readPods(NAMESPACE, SERVICE, call));
  expect(reading.rows).toMatchObject([
    { podIndex: 4, incarnation: pod.pod.identity?.incarnation, metadata: { grüße: "🦔".repeat(20) } },
  ]);
  expect(await store.servicesOf(NAMESPACE, names[0] ?? "", call)).toEqual(
    await direct.servicesOf(NAMESPACE, at(names[0] ?? "").uid),
  );
  expect(rule.fired).toBeGreaterThan(20);
  row.saw(`30 links, a refusal, a row, messages; ${rule.fired} chunks in pieces of one byte`);
});
