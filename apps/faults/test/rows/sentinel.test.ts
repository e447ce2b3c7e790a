import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import type { RedisSentinels, RedisServer } from "@podlink/testkit/redis";
import { startRedis, startSentinels } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { Lateness } from "./support/store-lateness.ts";
import { NAMESPACE, SERVICE, SOON, StorePods, users } from "./support/store-pods.ts";
import { StoreWrites } from "./support/store-writes.ts";

const optionsOf = (redis: RedisSentinels) => ({ sentinels: { name: redis.name, nodes: redis.addresses } });
const first = <T>([item]: readonly T[]): T => {
  if (item === undefined) throw new Error("there is none");
  return item;
};

/** How many commands a server refused because it is a replica. */
async function readOnlyRefusals(server: RedisServer): Promise<number> {
  const { errorstat_READONLY: stat = "count=0" } = await server.info("errorstats");
  return Number(/count=(\d+)/.exec(stat)?.[1]);
}

/** Resolves when most Sentinels name it, and it takes writes: then the failover is detected. */
async function promoted(redis: RedisSentinels, next: RedisServer): Promise<number> {
  await vi.waitFor(async () => {
    expect(await redis.primary()).toBe(next);
    expect((await next.info("replication"))["role"]).toBe("master");
  }, SOON);
  return performance.now();
}

faultRow(11, "writes go on within 2 s of a clean failover, and READONLY is met once", async (row) => {
  await using redis = await startSentinels();
  await using store = new RedisExecutor(optionsOf(redis));
  await store.init([NAMESPACE], { timeoutMs: 10_000 });
  const [old, next] = [await redis.primary(), await redis.replica()];
  const lateness = new Lateness();
  await using writes = new StoreWrites(
    store,
    (write) => row.request(write),
    (turn) => `user-${turn}`,
  );
  await vi.waitFor(() => expect(writes.acknowledged.length).toBeGreaterThan(5), SOON);
  await row.server(first(redis.sentinels)).cli("SENTINEL", "FAILOVER", redis.name);
  const detectedAt = await promoted(redis, next);
  const lateAtDetection = lateness.totalMs;
  await vi.waitFor(() => expect(writes.resumedAfter(detectedAt)).toBeDefined(), SOON);
  const resumedMs = (writes.resumedAfter(detectedAt) ?? Infinity) - detectedAt;
  expect(resumedMs).toBeLessThan(2000 + lateness.totalMs - lateAtDetection);
  const counted = writes.acknowledged.length;
  await vi.waitFor(() => expect(writes.acknowledged.length).toBeGreaterThan(counted + 10), SOON);
  await writes.end();
  lateness.end();
  for (const { failed } of writes.failed) {
    expect(["STORE_UNAVAILABLE", "TIMEOUT"]).toContain(failed?.code);
    if (failed?.code === "STORE_UNAVAILABLE" && failed.says.includes("READONLY"))
      expect(failed.outcome).toBe("not-applied");
  }
  const refused = (await readOnlyRefusals(old)) + (await readOnlyRefusals(next));
  expect(refused).toBeLessThanOrEqual(1);
  expect(writes.failed.filter(({ failed }) => failed?.says.includes("READONLY")).length).toBeLessThanOrEqual(1);
  // What was acknowledged last stands on the new primary.
  const last = writes.acknowledged.at(-1);
  const keys = await next.cli("KEYS", `pl:{${NAMESPACE}/*}${last?.uid}`);
  expect(keys).toHaveLength(1);
  expect(store.epoch()).toBe(2);
  row.saw(
    `writes resumed ${Math.round(resumedMs)} ms after detection; ${writes.failed.length} of ${writes.all.length} failed, READONLY ${refused} times`,
  );
});

/** All that the pods held is theirs again under the new life of the store, nobody was moved, nobody was held twice. */
async function expectNobodyMoved(world: StorePods, before: Awaited<ReturnType<StorePods["allServed"]>>): Promise<void> {
  await vi.waitFor(() => expect(world.told("epoch-changed").every((count) => count > 0)).toBe(true), SOON);
  await vi.waitFor(async () => {
    for (const [uid, { by, link }] of before) {
      const stored = await world.stored(uid);
      expect(stored).toMatchObject({ podIndex: by, kind: "owned" });
      expect(Number(stored?.token)).toBeGreaterThan(Number(link.token));
    }
  }, SOON);
  for (const [uid, { by }] of await world.allServed([...before.keys()])) expect(by).toBe(before.get(uid)?.by);
  for (const { client } of world.callers) expect(client.read()["replacements"]).toBe(0);
  await world.checkInvariants();
}

faultRow(13, "a failover to an empty replica: pods claim again what they hold, nobody is moved", async (row) => {
  await using redis = await startSentinels();
  await using world = await StorePods.start(optionsOf(redis));
  const before = await world.allServed(users("user", 30));
  const [primary, next] = [await redis.primary(), await redis.replica()];
  await next.config("replica-read-only", "no");
  const replica = row.server(next);
  await replica.cli("FLUSHALL");
  expect(await replica.cli("KEYS", `pl:{${NAMESPACE}/*}user-*`)).toEqual([]);
  await row.server(primary).kill9();
  const promotedAt = await promoted(redis, next);
  await row.request(() => Promise.all([...before.keys()].map((uid) => world.served(uid))));
  await expectNobodyMoved(world, before);
  row.saw(
    `30 of 30 links claimed again by their pods, ${Math.round(performance.now() - promotedAt)} ms after the promotion`,
  );
});

faultRow(13, "a failover to a replica that lacks the newest links: nobody is moved", async (row) => {
  await using redis = await startSentinels();
  await using world = await StorePods.start(optionsOf(redis));
  const before = await world.allServed(users("old", 15));
  const [primary, next] = [await redis.primary(), await redis.replica()];
  await vi.waitFor(async () => expect(await next.cli("KEYS", `pl:{${NAMESPACE}/*}old-*`)).toHaveLength(15), SOON);
  const [server, replica] = [row.server(primary), row.server(next)];
  replica.stop();
  await server.cli("CLIENT", "KILL", "TYPE", "replica");
  for (const [uid, served] of await world.allServed(users("new", 15))) before.set(uid, served);
  await server.kill9();
  replica.cont();
  await promoted(redis, next);
  await row.request(() => Promise.all([...before.keys()].map((uid) => world.served(uid))));
  await expectNobodyMoved(world, before);
  row.saw("15 old and 15 lost links claimed again by their pods, nobody moved");
});

faultRow(15, "a demoted primary that still answers reads decides nothing", async (row) => {
  await using old = await startRedis();
  await using next = await startRedis({ config: { replicaof: `${old.host} ${old.port}` } });
  await using world = await StorePods.start(
    { url: old.url },
    { server: { heartbeatIntervalMs: 200, leaseMs: 3000, leaseMarginMs: 300 } },
  );
  const before = await world.allServed(users("user", 10));
  const uids = [...before.keys()];
  await vi.waitFor(async () => expect(await next.cli("KEYS", `pl:{${NAMESPACE}/*}user-*`)).toHaveLength(10), SOON);
  const server = row.server(old);
  await server.cli("REPLICAOF", "127.0.0.1", 1);
  await next.cli("REPLICAOF", "NO", "ONE");
  // On the primary everybody is another pod's by now; the demoted one still names the pods that were.
  await using elsewhere = new RedisExecutor({ url: next.url });
  for (const uid of uids) {
    const set = { kind: "set", namespace: NAMESPACE, service: SERVICE, uid, owner: { podIndex: 9 } } as const;
    await elsewhere.execute({ ...set, lifetime: { ttlMs: 600_000 } }, { timeoutMs: 5000 });
  }
  expect(await old.cli("KEYS", `pl:{${NAMESPACE}/*}user-*`)).toHaveLength(10);
  // Another pod that asks there isn't told that it may serve, nor that anybody else does.
  const asked = uids.map((uid) => {
    const other = world.pod(1 - (before.get(uid)?.by ?? 0)).driver;
    return row.request(() => other.guard(uid, { timeoutMs: 300 }));
  });
  for (const answer of await Promise.all(asked)) expect(answer).toMatchObject({ ok: false, reason: "unavailable" });
  // Nor is the one whom it names, when it has reason to ask.
  const [ann = ""] = uids;
  const named = world.pod(before.get(ann)?.by ?? 0).driver;
  const token = String(Number(before.get(ann)?.link.token) + 1_000_000);
  expect(await row.request(() => named.guard(ann, { token, timeoutMs: 300 }))).toMatchObject({ ok: false });
  // Its reports are refused, so it stops at the end of its lease, whatever can still be read.
  await vi.waitFor(() => expect(world.pods.every(({ driver }) => driver.state.phase === "fenced")).toBe(true), SOON);
  for (const [uid, { by }] of before) {
    expect(await row.request(() => world.pod(by).driver.guard(uid, { timeoutMs: 300 }))).toMatchObject({ ok: false });
  }
  expect(await old.cli("KEYS", `pl:{${NAMESPACE}/*}user-*`)).toHaveLength(10);
  expect(await readOnlyRefusals(old)).toBeGreaterThan(0);
  await world.watch.close();
  world.watch.check({ atLeast: { holders: 20 } });
  row.saw("10 stale links could be read there, none let a pod serve; their owners stopped at the end of their lease");
});
