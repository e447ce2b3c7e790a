import { setTimeout } from "node:timers/promises";
import { faultRow } from "@podlink/faults";
import { Lateness, startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { RouteError } from "@podlink/types";
import { Redis } from "ioredis";
import { expect, onTestFinished, vi } from "vitest";
import { startPod, TIMES } from "./support/redis-pods.ts";
import { claim, failureOf, openStore, read, set, uids } from "./support/redis-store.ts";

/** How often anything was changed: a link that is made is a value and an expiry. */
async function changesOf(redis: RedisServer): Promise<number> {
  return Number((await redis.info("persistence"))["rdb_changes_since_last_save"]);
}

const STILL_MS = 5000;

faultRow(4, "calls end at their deadline, and what is executed late is the same operation", async (row) => {
  await using redis = await startRedis();
  await using store = await openStore({ url: redis.url, commandTimeoutMs: 200 });
  // One call that is tried again and again: each try waits in Redis' socket, and is executed when it goes on.
  await using repeating = await openStore({ url: redis.url, commandTimeoutMs: 1500 });
  await store.execute(set("moved", 1));
  const before = await changesOf(redis);
  using lateness = new Lateness();
  const server = row.server(redis);
  server.stop();
  const over = setTimeout(STILL_MS);
  const repeated = row.request(() => repeating.execute(claim("repeated", 3), { timeoutMs: 20_000 }));
  const moved = await row.request(() => failureOf(() => store.execute(set("moved", 2), { timeoutMs: 300 })));
  expect(moved.error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  expect(moved.tookMs).toBeLessThan(300 + 50 + lateness.totalMs);
  let longestMs = moved.tookMs;
  const asked = uids("during", 20);
  for (const uid of asked) {
    const { error, tookMs } = await row.request(() => failureOf(() => store.execute(claim(uid), { timeoutMs: 400 })));
    expect(error.code).toMatch(/^(?:TIMEOUT|STORE_UNAVAILABLE)$/);
    expect(tookMs).toBeLessThan(400 + 50 + lateness.totalMs);
    longestMs = Math.max(longestMs, tookMs);
  }
  await over;
  server.cont();

  expect(await repeated).toMatchObject({ created: true, repeated: true, link: { podIndex: 3 } });
  await vi.waitFor(async () => expect(await store.execute(read("moved"))).toBeDefined(), 10_000);
  const links = await store.executeAll(["moved", "repeated", ...asked].map(read), { timeoutMs: 5000 });
  const there = links.flatMap((answer) => ("value" in answer && answer.value ? [answer.value] : []));
  const [late] = there;
  expect([1, 2], "carried out or not, as its caller was told").toContain(late?.podIndex);
  // Whatever was tried how often: each link was written once, and nobody else's.
  const made = there.length - 1;
  const changes = (await changesOf(redis)) - before - 2 * made;
  expect(changes).toBeGreaterThanOrEqual(late?.podIndex === 2 ? 1 : 0);
  expect(changes).toBeLessThanOrEqual(late?.podIndex === 2 ? 2 : 0);
  const back = await store.execute(set("moved", 5), { timeoutMs: 5000 });
  expect(Number("link" in back && back.link.token)).toBeGreaterThan(Number(late?.token));
  expect(await store.execute(read("moved"))).toMatchObject({ podIndex: 5 });
  row.saw(`21 calls within their deadlines, ${Math.round(longestMs)} ms at most; ${made} executed late, each once`);
});

faultRow(4, "a pod is fenced by its own clock meanwhile, and claims under a new token afterwards", async (row) => {
  await using redis = await startRedis();
  await using held = await startPod(0, { redis: { url: redis.url, commandTimeoutMs: 200 } });
  const { driver } = held.pod;
  const first = await vi.waitFor(async () => {
    const answer = await driver.guard("ann");
    if (!answer.ok) throw new Error(answer.reason);
    return answer;
  }, 5000);
  using lateness = new Lateness();
  const server = row.server(redis);
  server.stop();
  const over = setTimeout(STILL_MS);
  const stoppedAtMs = performance.now();
  await vi.waitFor(() => expect(first.signal.aborted).toBe(true), { timeout: 5000, interval: 5 });
  const fencedMs = performance.now() - stoppedAtMs;
  expect(fencedMs).toBeLessThan(TIMES.leaseMs - TIMES.leaseMarginMs + 50 + lateness.totalMs);
  expect(await row.request(() => driver.guard("ann"))).toMatchObject({ ok: false, reason: "fenced" });
  await over;
  server.cont();
  const second = await vi.waitFor(async () => {
    const answer = await driver.guard("ann");
    if (!answer.ok) throw new Error(answer.reason);
    return answer;
  }, 10_000);
  expect(Number(second.link.token)).toBeGreaterThan(Number(first.link.token));
  row.saw(`a pod fenced after ${Math.round(fencedMs)} ms, back under a higher token`);
});

faultRow(
  28,
  "a script that keeps Redis busy: BUSY is typed, the breaker opens, no connection is made anew",
  async (row) => {
    await using redis = await startRedis();
    await using line = await startFaultProxy({ target: redis });
    await using store = await openStore({ url: line.url("redis"), commandTimeoutMs: 300 });
    await store.execute(claim("ann"));
    const operator = new Redis({ path: redis.path, lazyConnect: true });
    await operator.connect();
    const { accepted } = line.counts.connections;
    const server = row.server(redis);
    await server.config("busy-reply-threshold", 20);
    const endless = server.cli("EVAL", "while true do end", 0).catch(() => undefined);
    await vi.waitFor(async () => expect(await operator.ping().catch(String)).toContain("BUSY"), 5000);
    const first = await row.request(() => failureOf(() => store.execute(claim("bob"))));
    expect(first.error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
    expect(first.error.message).toContain("BUSY");
    await vi.waitFor(async () => {
      await row.request(() => failureOf(() => store.execute(read("ann"), { timeoutMs: 100 })));
      expect(store.health().healthy).toBe(false);
    }, 5000);
    let unsent = 0;
    for (const uid of uids("refused", 50)) {
      const { redisCalls } = store.read();
      const { error } = await row.request(() => failureOf(() => store.execute(claim(uid), { timeoutMs: 100 })));
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
      if (store.read()["redisCalls"] === redisCalls) unsent += 1;
    }
    expect(unsent, "refused without asking, but for one at a time that tries").toBeGreaterThan(25);
    expect(line.counts.connections.accepted).toBe(accepted);
    await operator.call("SCRIPT", "KILL");
    await endless;
    await vi.waitFor(async () => expect(await store.execute(claim("bob"))).toMatchObject({ created: true }), 10_000);
    expect(store.health()).toEqual({ healthy: true });
    expect(line.counts.connections.accepted).toBe(accepted);
    operator.disconnect();
    row.saw(`BUSY typed, ${unsent} of 50 refused unsent, 0 new connections`);
  },
);

faultRow(28, "a Redis that sleeps: calls fail typed, and connections are not made anew in a storm", async (row) => {
  const executors = 5;
  await using redis = await startRedis();
  await using line = await startFaultProxy({ target: redis });
  const options = { url: line.url("redis"), commandTimeoutMs: 100, connectTimeoutMs: 300 };
  const stores = await Promise.all(Array.from({ length: executors }, () => openStore(options)));
  onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))));
  const { accepted } = line.counts.connections;
  const asleep = row.server(redis).cli("DEBUG", "SLEEP", 3);
  let isAsleep = true;
  void asleep.finally(() => (isAsleep = false));
  let calls = 0;
  const codes = new Set<string>();
  await Promise.all(
    stores.map(async (store) => {
      while (isAsleep) {
        const asked = store.execute(set(`sleepy-${(calls += 1)}`), { timeoutMs: 200 });
        await row.request(() => asked).catch((error: unknown) => codes.add(RouteError.from(error).code));
        await setTimeout(5);
      }
    }),
  );
  expect([...codes].sort()).toEqual(["STORE_UNAVAILABLE", "TIMEOUT"]);
  const anew = line.counts.connections.accepted - accepted;
  // In 3 s each try waits for connectTimeoutMs and then longer and longer.
  expect(anew).toBeLessThanOrEqual(executors * 8);
  for (const store of stores)
    await vi.waitFor(async () => expect(await store.execute(read("ann"))).toBeUndefined(), 10_000);
  row.saw(`${calls} calls of 5 processes in 3 s, ${anew} new connections`);
});
