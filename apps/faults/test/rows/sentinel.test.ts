import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import { Lateness, startFaultProxies } from "@podlink/testkit";
import type { RedisSentinels, RedisServer } from "@podlink/testkit/redis";
import { startRedis, startSentinels } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { LONG_LEASE, NAMESPACE, SERVICE, SOON, StorePods, users } from "./support/store-pods.ts";
import { StoreWrites } from "./support/store-writes.ts";

const optionsOf = (redis: RedisSentinels) => ({ sentinels: { name: redis.name, nodes: redis.addresses } });
/** No two tries of one process to find a primary are closer. */
const SHORTEST_WAIT_MS = 50;
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
  await using writes = new StoreWrites(
    store,
    (write) => row.request(write),
    (turn) => `user-${turn}`,
  );
  await vi.waitFor(() => expect(writes.acknowledged.length).toBeGreaterThan(5), SOON);
  // The primary hands over and is a replica from then on; its clients stay connected, and no Sentinel has told them yet.
  await row.server(old).cli("FAILOVER", "TO", next.host, next.port);
  await vi.waitFor(async () => expect(await readOnlyRefusals(old)).toBeGreaterThan(0), SOON);
  const met = await readOnlyRefusals(old);
  await row
    .server(first(redis.sentinels))
    .cli("SENTINEL", "FAILOVER", redis.name)
    .catch(() => undefined); // as it finds out by itself, it may be at it already
  const detectedAt = await promoted(redis, next);
  using lateness = new Lateness();
  await vi.waitFor(() => expect(writes.resumedAfter(detectedAt)).toBeDefined(), SOON);
  const resumedMs = (writes.resumedAfter(detectedAt) ?? Infinity) - detectedAt;
  expect(resumedMs).toBeLessThan(2000 + lateness.totalMs);
  const counted = writes.acknowledged.length;
  await vi.waitFor(() => expect(writes.acknowledged.length).toBeGreaterThan(counted + 10), SOON);
  await writes.end();
  // Whatever was under way was told READONLY; from then on nothing was sent to a replica, however long the Sentinels took.
  expect(met).toBeLessThanOrEqual(writes.failed.length);
  expect(await readOnlyRefusals(old)).toBe(met);
  expect(await readOnlyRefusals(next)).toBe(0);
  for (const { failed } of writes.failed) {
    expect(["STORE_UNAVAILABLE", "TIMEOUT"]).toContain(failed?.code);
    // Only what the primary kept waiting while it handed over may have been carried out.
    if (failed?.code !== "TIMEOUT" || failed.says.includes("READONLY")) expect(failed?.outcome).toBe("not-applied");
  }
  // All that was acknowledged stands on the new primary: what is handed over in this way loses nothing.
  const uids = new Set(
    ((await next.cli("KEYS", `pl:{${NAMESPACE}/*}*`)) as string[]).map((key) => key.replace(/^.*}/, "")),
  );
  expect(writes.acknowledged.filter(({ uid }) => !uids.has(uid))).toEqual([]);
  expect(store.epoch()).toBe(2);
  row.saw(
    `READONLY for ${met} of what was under way, then no more; writes resumed ${Math.round(resumedMs)} ms after detection; ${writes.failed.length} of ${writes.all.length} not applied, none lost`,
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
  await using world = await StorePods.start(optionsOf(redis), { server: LONG_LEASE });
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
  await using world = await StorePods.start(optionsOf(redis), { server: LONG_LEASE });
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

/** How many connections a server has accepted so far. */
const accepted = async (server: RedisServer): Promise<number> =>
  Number((await server.info("stats"))["total_connections_received"]);

faultRow(14, "without any Sentinel the present primary is kept, and who looks for one doesn't storm", async (row) => {
  await using redis = await startSentinels();
  await using lines = await startFaultProxies(redis.addresses);
  await using world = await StorePods.start(optionsOf(redis));
  const primary = await redis.primary();
  const before = await world.allServed(users("user", 10));
  const connections = await accepted(primary);
  await Promise.all(redis.sentinels.map((sentinel) => row.server(sentinel).kill9()));
  const after = await row.request(() => world.allServed([...before.keys(), ...users("newcomer", 10)]));
  for (const [uid, { by, link }] of before) expect(after.get(uid)).toMatchObject({ by, link: { token: link.token } });
  expect(world.told("epoch-changed")).toEqual([0, 0]);
  expect(await accepted(primary)).toBe(connections);

  // Who comes new finds nobody to ask: its calls end in time, with a type, and it tries at a pace.
  const refusals = lines.all.map((line) => row.proxy(line).add({ fault: "refuse" }));
  await using late = new RedisExecutor({
    sentinels: { name: redis.name, nodes: lines.addresses },
    commandTimeoutMs: 200,
  });
  const op = { kind: "get", namespace: NAMESPACE, service: SERVICE, uid: "user-0" } as const;
  const startedAt = performance.now();
  using lateness = new Lateness();
  let calls = 0;
  for (; performance.now() - startedAt < 3000; calls += 1) {
    const askedAt = performance.now();
    const call = row.request(() => late.execute(op));
    await expect(call).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
    expect(performance.now() - askedAt).toBeLessThan(1500 + lateness.totalMs);
  }
  const lookedMs = performance.now() - startedAt;
  const tries = lines.all.map(({ record }) => record.filter(({ what }) => what === "refuse").length);
  for (const count of tries) {
    expect(count).toBeGreaterThan(1);
    expect(count).toBeLessThanOrEqual(2 + lookedMs / SHORTEST_WAIT_MS);
  }
  for (const refusal of refusals) refusal.end();
  await Promise.all(redis.sentinels.map((sentinel) => sentinel.restart()));
  await vi.waitFor(() => late.execute(op), SOON);

  await world.checkInvariants();
  row.saw(
    `10 users served on and 10 new ones placed over the same connections; who started meanwhile: ` +
      `${calls} calls refused, each Sentinel tried ${Math.max(...tries)} times at most in ${Math.round(lookedMs)} ms`,
  );
});

faultRow(14, "one Sentinel of three that names a replica as the primary leads nobody away", async (row) => {
  await using redis = await startSentinels();
  const [primary, replica] = [await redis.primary(), await redis.replica()];
  await using world = await StorePods.start(optionsOf(redis));
  const before = await world.allServed(users("user", 10));
  const liar = row.server(first(redis.sentinels));
  await liar.cli("SENTINEL", "REMOVE", redis.name);
  await liar.cli("SENTINEL", "MONITOR", redis.name, replica.host, replica.port, 3);
  const wrong = await liar.cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME", redis.name);
  expect(wrong).toEqual([replica.host, `${replica.port}`]);
  const [refused, connections] = [await readOnlyRefusals(replica), await accepted(replica)];
  const served = await row.request(() => world.allServed([...before.keys(), ...users("newcomer", 5)]));
  for (const [uid, { by, link }] of before) expect(served.get(uid)).toMatchObject({ by, link: { token: link.token } });
  // Who connects anew, after its connection was lost or at its start, asks the liar first, and still ends at the primary.
  await row.server(primary).cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await using late = new RedisExecutor(optionsOf(redis));
  await late.init([NAMESPACE], { timeoutMs: 10_000 });
  const written = await row.request(() =>
    late.execute({
      kind: "setIfAbsent",
      namespace: NAMESPACE,
      service: SERVICE,
      uid: "late",
      owner: { podIndex: 0 },
      lifetime: { ttlMs: 60_000 },
    }),
  );
  expect(written).toMatchObject({ created: true });
  const again = await row.request(() => world.allServed([...before.keys(), ...users("later", 5)]));
  for (const [uid, { by, link }] of before) expect(again.get(uid)).toMatchObject({ by, link: { token: link.token } });
  expect(await primary.cli("KEYS", `pl:{${NAMESPACE}/*}late`)).toHaveLength(1);
  // The liar was believed as far as the replica, which says what it is: nothing was sent to it but that question.
  const misled = (await accepted(replica)) - connections;
  expect(misled).toBeGreaterThan(0);
  // One for each that connected anew (two pods, the caller, the late one), each time once around all Sentinels at most.
  expect(misled).toBeLessThanOrEqual(8);
  expect(await readOnlyRefusals(replica)).toBe(refused);
  expect(world.told("epoch-changed")).toEqual([0, 0]);
  expect([await primary.info("replication"), await replica.info("replication")].map(({ role }) => role)).toEqual([
    "master",
    "slave",
  ]);
  await world.checkInvariants();
  row.saw(`the primary was kept; ${misled} connections of four processes to the wrong one, no command sent there`);
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
