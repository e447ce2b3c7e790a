import { setTimeout } from "node:timers/promises";
import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import { ServiceStateCache } from "@podlink/state-cache";
import type { FaultProxy } from "@podlink/testkit";
import { Lateness, startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { Redis } from "ioredis";
import { expect, onTestFinished, vi } from "vitest";
import { startCaller, startPod, TIMES } from "./support/redis-pods.ts";
import { claim, failureOf, NAMESPACE, openStore, read, SERVICE, set } from "./support/redis-store.ts";

const CHANNEL = `pl:{${NAMESPACE}/${SERVICE}}:events`;

/** So many processes of their own. */
async function openStores(count: number, url: string): Promise<RedisExecutor[]> {
  const stores = await Promise.all(Array.from({ length: count }, () => openStore({ url })));
  onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))));
  return stores;
}

/** A cache that reads the pods by itself only once an hour: whatever it learns sooner it was told, or read for a gap. */
async function watchingPods(directory: RedisExecutor): Promise<ServiceStateCache> {
  const ports = { directory, namespace: NAMESPACE, service: SERVICE };
  const cache = new ServiceStateCache(ports, { stateRefreshMs: 3_600_000, silenceMs: 3_600_000 });
  onTestFinished(() => cache.close());
  await cache.init({ timeoutMs: 5000 });
  await vi.waitFor(() => expect(directory.read()["subscriptionsUnconfirmed"]).toBe(0), 5000);
  return cache;
}

const openedSince = (proxy: FaultProxy, id: number): number[] =>
  proxy.record.filter(({ what, connection }) => what === "opened" && connection > id).map(({ atMs }) => atMs);

faultRow(29, "processes whose connections are killed come back one by one, none at once", async (row) => {
  const count = 20;
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  const stores = await openStores(count, line.url("redis"));
  const { accepted } = line.counts.connections;
  await row.server(redis).cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  const closed = await line.whenRecorded(({ what }) => what === "closed" || what === "fin" || what === "rst");
  const answers = await Promise.all(
    stores.map((store) =>
      row.request(() => store.execute(claim("ann"), { timeoutMs: 10_000 }).catch((error: unknown) => error)),
    ),
  );
  expect(answers).toHaveLength(count);
  for (const store of stores)
    await vi.waitFor(async () => expect(await store.execute(read("ann"))).toMatchObject({ uid: "ann" }), 10_000);
  const opened = openedSince(line, accepted);
  expect(opened.length).toBe(count); // one try each: no storm
  const waits = opened.map((atMs) => atMs - closed.atMs).sort((a, b) => a - b);
  expect(waits[0]).toBeGreaterThan(40); // the least wait is 50 ms; the clocks tick
  expect((waits.at(-1) ?? 0) - (waits[0] ?? 0)).toBeGreaterThan(10);
  for (const store of stores) expect(store.epoch()).toBe(1);
  row.saw(
    `20 processes back after ${Math.round(waits[0] ?? 0)} to ${Math.round(waits.at(-1) ?? 0)} ms, one connection each`,
  );
});

/** Ends the caller's subscription in this way, and holds it to what a gap must lead to. */
async function losesItsSubscription(
  redis: RedisServer,
  end: (request: <T>(call: () => Promise<T>) => Promise<T>) => Promise<unknown>,
  request: <T>(call: () => Promise<T> | T) => Promise<T>,
): Promise<number> {
  await using pod = await startPod(0, { redis: redis.url });
  await using store = await openStore({ url: redis.url });
  const cache = await watchingPods(store);
  await vi.waitFor(() => expect(cache.isRoutable(0)).toBe(true), 5000);
  const { readings: before = 0 } = cache.read();
  await end(request);
  pod.pod.driver.setRoutingState("DenyNewCall"); // perhaps before it listens again: then the reading tells
  await request(() => vi.waitFor(() => expect(cache.isRoutable(0)).toBe(false), 5000));
  await vi.waitFor(() => expect(cache.read()["readings"]).toBeGreaterThan(before), 5000);
  // And it hears again what is published, without another reading.
  await vi.waitFor(() => expect(store.read()["subscriptionsUnconfirmed"]).toBe(0), 5000);
  await setTimeout(0);
  pod.pod.driver.setRoutingState("Ready");
  await request(() => vi.waitFor(() => expect(cache.isRoutable(0)).toBe(true), 5000));
  return (cache.read()["readings"] ?? 0) - before;
}

faultRow(29, "a killed subscriber reads the pods again, and hears what follows", async (row) => {
  await using redis = await startRedis();
  const server = row.server(redis);
  const readings = await losesItsSubscription(
    redis,
    () => server.cli("CLIENT", "KILL", "TYPE", "pubsub"),
    (call) => row.request(call),
  );
  expect(readings).toBeGreaterThan(0);
  row.saw("the pods read again, the change seen");
});

faultRow(
  31,
  "a subscriber whose output buffer overflows is killed, reads the pods again, and hears what follows",
  async (row) => {
    await using redis = await startRedis();
    const server = row.server(redis);
    const readings = await losesItsSubscription(
      redis,
      async () => {
        await server.config("client-output-buffer-limit", "pubsub 32768 0 0");
        const before = String(await redis.cli("CLIENT", "LIST", "TYPE", "pubsub"));
        const ids = [...before.matchAll(/^id=(\d+)/gm)].map(([, id]) => id);
        expect(ids.length).toBeGreaterThan(0);
        await redis.cli("PUBLISH", CHANNEL, "x".repeat(100_000));
        await vi.waitFor(async () => {
          const now = String(await redis.cli("CLIENT", "LIST", "TYPE", "pubsub"));
          for (const id of ids) expect(now).not.toContain(`id=${id} `);
        }, 5000);
      },
      (call) => row.request(call),
    );
    expect(readings).toBeGreaterThan(0);
    row.saw("killed by Redis; the pods read again, the change seen");
  },
);

faultRow(30, "what is published and lost is known by the next reading", async (row) => {
  const stateRefreshMs = 300;
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  await using pod = await startPod(0, { redis: redis.url });
  await using store = await openStore({ url: line.url("redis") });
  const ports = { directory: store, namespace: NAMESPACE, service: SERVICE };
  const cache = new ServiceStateCache(ports, { stateRefreshMs, silenceMs: 400, commandTimeoutMs: 200 });
  onTestFinished(() => cache.close());
  await cache.init({ timeoutMs: 5000 });
  await vi.waitFor(() => expect(cache.isRoutable(0)).toBe(true), 5000);
  await vi.waitFor(() => expect(store.read()["subscriptionsUnconfirmed"]).toBe(0), 5000);
  // From the first message on nothing more comes over the connection that listens.
  const rule = row
    .proxy(line)
    .add({ fault: "blackhole", direction: "toClient", bytes: (chunk) => chunk.includes(CHANNEL) });
  using lateness = new Lateness();
  const { pushes: before } = cache.read();
  pod.pod.driver.setRoutingState("DenyNewCall");
  const changedAtMs = performance.now();
  await row.request(() => vi.waitFor(() => expect(cache.isRoutable(0)).toBe(false), { timeout: 5000, interval: 5 }));
  const staleMs = performance.now() - changedAtMs;
  expect(rule.fired).toBeGreaterThan(0);
  expect(cache.read()["pushes"]).toBe(before);
  // The report itself, one period, and one answer.
  expect(staleMs).toBeLessThan(stateRefreshMs + 200 + 100 + lateness.totalMs);
  row.saw(`a lost change known after ${Math.round(staleMs)} ms (read every ${stateRefreshMs})`);
});

faultRow(30, "what is published twice or in another order turns nothing back", async (row) => {
  await using redis = await startRedis();
  await using pod = await startPod(0, { redis: redis.url });
  await using store = await openStore({ url: redis.url });
  const cache = await watchingPods(store);
  await vi.waitFor(() => expect(cache.isRoutable(0)).toBe(true), 5000);
  const messages: string[] = [];
  const ear = new Redis({ path: redis.path });
  onTestFinished(() => ear.disconnect());
  await ear.subscribe(CHANNEL);
  ear.on("message", (_, message: string) => void messages.push(message));
  for (const state of ["DenyNewCall", "Ready", "DenyNewCall"] as const) {
    const heard = messages.length;
    pod.pod.driver.setRoutingState(state);
    await vi.waitFor(() => expect(messages.length).toBeGreaterThan(heard), 5000);
  }
  await vi.waitFor(() => expect(cache.isRoutable(0)).toBe(false), 5000);
  const wrong: number[] = [];
  cache.onChange(() => void (cache.isRoutable(0) && wrong.push(messages.length)));
  const { gaps: before = 0 } = cache.read();
  const again = [...messages, ...messages.toReversed()];
  await row.inject("server", `PUBLISH of ${again.length} messages again, in both orders`, async () => {
    for (const message of again) await redis.cli("PUBLISH", CHANNEL, message);
  });
  await vi.waitFor(() => expect(cache.read()["gaps"]).toBeGreaterThan(before), 5000);
  await row.request(() => cache.refresh({ timeoutMs: 5000 }));
  expect(cache.isRoutable(0)).toBe(false);
  expect(wrong).toEqual([]);
  row.saw(`${again.length} old messages turned nothing back`);
});

faultRow(30, "a caller that missed a move is answered 421 by the old pod, and finds the new one", async (row) => {
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  await using old = await startPod(0, { redis: line.url("redis") });
  await using next = await startPod(1, { redis: redis.url });
  await using caller = await startCaller({
    redis: redis.url,
    routes: { stateRefreshMs: 100, silenceMs: 400, commandTimeoutMs: 200 },
    client: { leaseMs: TIMES.leaseMs, failover: { graceMs: 1000 } },
  });
  await vi.waitFor(async () => expect(await caller.routes.routablePods(SERVICE)).toHaveLength(2), 5000);
  const rooms = caller.service(SERVICE);
  await vi.waitFor(async () => expect((await old.pod.driver.guard("ann")).ok).toBe(true), 5000);
  const visit = async (): Promise<string> =>
    (await rooms.call("ann", (pod) => fetch(pod.url("/"), { headers: pod.headers }))).text();
  expect(await visit()).toBe("0");
  // The old pod isn't told either: its notice is on the line that has gone dark.
  const rule = row.proxy(line).add({
    fault: "blackhole",
    direction: "toClient",
    bytes: (chunk) => chunk.includes("ann") && chunk.includes("message"),
  });
  using lateness = new Lateness();
  await next.pod.driver.setLinkedPod("ann");
  const movedAtMs = performance.now();
  await row.request(() => vi.waitFor(async () => expect(await visit()).toBe("1"), { timeout: 10_000, interval: 10 }));
  const staleMs = performance.now() - movedAtMs;
  expect(rule.fired).toBe(1);
  expect(staleMs, "by its next verification the old pod knows").toBeLessThan(
    TIMES.verifyIntervalMs + 200 + lateness.totalMs,
  );
  expect(caller.read()["misdirected"]).toBe(1);
  expect(await visit()).toBe("1");
  expect(caller.read()["misdirected"]).toBe(1);
  row.saw(`421 and the new pod ${Math.round(staleMs)} ms after an unheard move`);
});

faultRow(36, "who has no connection backs off; who has one notices nothing", async (row) => {
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  await using held = await startPod(0, { redis: redis.url });
  const { driver } = held.pod;
  await vi.waitFor(async () => expect((await driver.guard("ann")).ok).toBe(true), 5000);
  await using existing = await openStore({ url: redis.url });
  const cache = await watchingPods(existing);
  const incarnation = held.pod.identity?.incarnation;
  const clients = String(await redis.cli("CLIENT", "LIST"))
    .trim()
    .split("\n").length;
  const server = row.server(redis);
  await server.config("maxclients", clients);
  await using late = new RedisExecutor({ url: line.url("redis"), commandTimeoutMs: 100 });
  const endAtMs = performance.now() + 2000;
  let calls = 0;
  while (performance.now() < endAtMs) {
    const { error } = await row.request(() => failureOf(() => late.execute(set("bob"))));
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
    expect(await row.request(() => existing.execute(claim("carol")))).toMatchObject({ link: { uid: "carol" } });
    expect(await driver.guard("ann")).toMatchObject({ ok: true });
    calls += 1;
    await setTimeout(5);
  }
  expect(late.health().reason).toContain("maxclients");
  // 50 ms, then up to twice as long each time: about seven tries.
  const tries = line.counts.connections.accepted;
  expect(tries).toBeLessThan(25);
  expect(held.pod.identity?.incarnation).toBe(incarnation);
  expect(cache.isRoutable(0)).toBe(true);
  await server.config("maxclients", 1000);
  await vi.waitFor(async () => expect(await late.execute(set("bob"))).toMatchObject({ link: { uid: "bob" } }), 10_000);
  row.saw(`${tries} tries in 2 s; ${calls} calls of those connected, none failed`);
});
