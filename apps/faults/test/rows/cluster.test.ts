import type { FaultRow } from "@podlink/faults";
import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import type { RedisCluster, RedisServer } from "@podlink/testkit/redis";
import { startCluster, startRedis } from "@podlink/testkit/redis";
import type { Link } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { expect, vi } from "vitest";
import { Lateness } from "./support/store-lateness.ts";
import { NAMESPACE, SERVICE, SOON, users } from "./support/store-pods.ts";
import { StoreWrites } from "./support/store-writes.ts";

const NODE_TIMEOUT_MS = 1000;
/** What a call without a time of its own is given, and some slack. */
const SETTLES_WITHIN_MS = 1500;

const openStore = async (
  cluster: RedisCluster,
  options: { commandTimeoutMs?: number } = {},
): Promise<RedisExecutor> => {
  const store = new RedisExecutor({ cluster: { nodes: cluster.addresses }, ...options });
  await store.init([NAMESPACE], { timeoutMs: 10_000 });
  return store;
};

/** One user's link, on whichever node its bucket is. */
const set = (store: RedisExecutor, uid: string, timeoutMs?: number): Promise<{ readonly link: Link }> =>
  store.execute(
    { kind: "set", namespace: NAMESPACE, service: SERVICE, uid, owner: { podIndex: 1 }, lifetime: { ttlMs: 600_000 } },
    timeoutMs === undefined ? {} : { timeoutMs },
  ) as Promise<{ readonly link: Link }>;

/** The key of a uid that was written. */
async function keyOf(cluster: RedisCluster, uid: string): Promise<string> {
  for (const node of cluster.nodes) {
    if (node.pid === undefined) continue;
    const [key] = (await node.cli("KEYS", `pl:{${NAMESPACE}/*}${uid}`)) as string[];
    if (key !== undefined) return key;
  }
  throw new Error(`nobody has ${uid}`);
}

/** Users whose links are on the node, and users whose links are not. */
async function splitBy(
  cluster: RedisCluster,
  node: RedisServer,
  uids: readonly string[],
): Promise<{ readonly on: string[]; readonly off: string[] }> {
  const places = await Promise.all(uids.map(async (uid) => cluster.nodeOf(await keyOf(cluster, uid))));
  return {
    on: uids.filter((_, index) => places[index] === node),
    off: uids.filter((_, index) => places[index] !== node),
  };
}

/** A slot between two nodes, each step on record. */
interface RecordedMove {
  /** So many of its keys, or all. */
  moveKeys(limit?: number): Promise<void>;
  finish(): Promise<void>;
}

async function beginMove(row: FaultRow, from: RedisServer, to: RedisServer, slot: number): Promise<RecordedMove> {
  const [old, next] = [row.server(from), row.server(to)];
  const [fromId, toId] = [String(await from.cli("CLUSTER", "MYID")), String(await to.cli("CLUSTER", "MYID"))];
  await next.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
  await old.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
  const moveKeys = async (limit = 1000): Promise<void> => {
    const keys = (await from.cli("CLUSTER", "GETKEYSINSLOT", slot, limit)) as string[];
    if (keys.length > 0) await from.cli("MIGRATE", to.host, to.port, "", 0, 5000, "KEYS", ...keys);
  };
  return {
    moveKeys,
    async finish() {
      await moveKeys();
      await next.cli("CLUSTER", "SETSLOT", slot, "NODE", toId);
      await old.cli("CLUSTER", "SETSLOT", slot, "NODE", toId);
    },
  };
}

/** What a call came to. */
async function outcomeOf(call: () => Promise<unknown>): Promise<{ error?: RouteError; tookMs: number }> {
  const fromMs = performance.now();
  try {
    await call();
    return { tookMs: performance.now() - fromMs };
  } catch (error) {
    if (!RouteError.is(error)) throw error;
    return { error, tookMs: performance.now() - fromMs };
  }
}

faultRow(
  17,
  "when a master dies, its replica answers for its slots in time; without full coverage no other slot pauses",
  async (row) => {
    await using cluster = await startCluster({
      masters: 3,
      replicas: 1,
      nodeTimeoutMs: NODE_TIMEOUT_MS,
      // With full coverage, Redis' default, all slots would pause until the replica has taken over.
      server: { config: { "cluster-require-full-coverage": "no" } },
    });
    await using store = await openStore(cluster);
    const uids = users("user", 30);
    await Promise.all(uids.map((uid) => set(store, uid, 5000)));
    const [victim] = cluster.nodes;
    if (victim === undefined) throw new Error("no node");
    const { on, off } = await splitBy(cluster, victim, uids);
    expect(Math.min(on.length, off.length)).toBeGreaterThan(0);
    const lateness = new Lateness();
    const at = (list: readonly string[]) => (turn: number) => list[turn % list.length] ?? "";
    await using others = new StoreWrites(store, (write) => row.request(write), at(off));
    await using hit = new StoreWrites(store, (write) => row.request(write), at(on));
    await vi.waitFor(() => expect(hit.acknowledged.length).toBeGreaterThan(5), SOON);
    const killedAt = performance.now();
    await row.server(victim).kill9();
    await vi.waitFor(() => expect(hit.resumedAfter(killedAt)).toBeDefined(), SOON);
    const pausedMs = (hit.resumedAfter(killedAt) ?? Infinity) - killedAt;
    expect(pausedMs).toBeLessThan(NODE_TIMEOUT_MS + 2000 + lateness.totalMs);
    await Promise.all([hit.end(), others.end()]);
    lateness.end();
    expect(hit.failed.length).toBeGreaterThan(0);
    expect(others.failed).toEqual([]);
    expect(others.acknowledged.filter(({ toMs }) => toMs > killedAt).length).toBeGreaterThan(10);
    row.saw(
      `its slots paused ${Math.round(pausedMs)} ms (node-timeout ${NODE_TIMEOUT_MS} ms), ${others.all.length} writes elsewhere, none failed`,
    );
  },
);

for (const coverage of ["no", "yes"] as const) {
  faultRow(18, `a master without a replica dies, full coverage is ${coverage}`, async (row) => {
    await using cluster = await startCluster({
      masters: 3,
      nodeTimeoutMs: NODE_TIMEOUT_MS,
      server: { config: { "cluster-require-full-coverage": coverage } },
    });
    await using store = await openStore(cluster, { commandTimeoutMs: 200 });
    const uids = users("user", 30);
    await Promise.all(uids.map((uid) => set(store, uid, 5000)));
    const [victim, witness] = cluster.nodes;
    if (victim === undefined || witness === undefined) throw new Error("no node");
    const { on, off } = await splitBy(cluster, victim, uids);
    await row.server(victim).kill9();
    await vi.waitFor(async () => {
      const text = String(await witness.cli("CLUSTER", "NODES"));
      expect(text).toMatch(/ master,fail /);
    }, SOON);
    const isDown = (): Promise<void> =>
      vi.waitFor(
        async () => expect(String(await witness.cli("CLUSTER", "INFO"))).toContain("cluster_state:fail"),
        SOON,
      );
    if (coverage === "yes") await isDown();
    const lateness = new Lateness();
    const refused = await Promise.all(
      (coverage === "yes" ? uids : on).map((uid) => row.request(() => outcomeOf(() => set(store, uid)))),
    );
    for (const { error, tookMs } of refused) {
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
      expect(tookMs).toBeLessThan(SETTLES_WITHIN_MS + lateness.totalMs);
    }
    if (coverage === "no") {
      const others = await Promise.all(off.map((uid) => row.request(() => outcomeOf(() => set(store, uid)))));
      expect(others.filter(({ error }) => error !== undefined)).toEqual([]);
    }
    lateness.end();
    await victim.restart();
    await cluster.whenOk();
    for (const uid of uids) await vi.waitFor(() => set(store, uid), SOON);
    row.saw(
      `${coverage}: ${refused.length} of 30 refused, typed, in ${Math.round(Math.max(...refused.map(({ tookMs }) => tookMs)))} ms at most; all write again after its return`,
    );
  });
}

faultRow(19, "a slot that moves to and fro under load fails no operation and repeats none", async (row) => {
  await using cluster = await startCluster({ masters: 3, nodeTimeoutMs: NODE_TIMEOUT_MS });
  await using store = await openStore(cluster, { commandTimeoutMs: 2000 });
  const first = await set(store, "ann", 5000);
  const key = await keyOf(cluster, "ann");
  const slot = await cluster.slotOf(key);
  const tokens = [first.link.token];
  await using writes = new StoreWrites(
    store,
    (write) => row.request(write),
    () => "ann",
  );
  await vi.waitFor(() => expect(writes.acknowledged.length).toBeGreaterThan(5), SOON);
  const moves = 10;
  for (let move = 0; move < moves; move += 1) {
    const from = await cluster.nodeOf(slot);
    const to = cluster.nodes.find((node) => node !== from) ?? from;
    const before = writes.all.length;
    const half = await beginMove(row, from, to, slot);
    await half.moveKeys();
    // Writes that are answered by ASK; after the end by MOVED.
    await vi.waitFor(() => expect(writes.all.length).toBeGreaterThan(before + 1), SOON);
    await half.finish();
    await vi.waitFor(async () => expect(await cluster.nodeOf(slot)).toBe(to), SOON);
  }
  const redirected = await Promise.all(cluster.nodes.map((node) => node.info("errorstats")));
  for (const name of ["errorstat_ASK", "errorstat_MOVED"]) expect(redirected.some((stats) => name in stats)).toBe(true);
  const settled = writes.all.length;
  await vi.waitFor(() => expect(writes.all.length).toBeGreaterThan(settled + 5), SOON);
  await writes.end();
  expect(writes.failed).toEqual([]);
  tokens.push(...writes.acknowledged.map(({ token }) => token ?? "0"));
  // Each write is one new token, higher than the one before: none was carried out twice, or late.
  for (const [index, token] of tokens.entries())
    if (index > 0) expect(Number(token)).toBeGreaterThan(Number(tokens[index - 1]));
  const stored = await store.execute({ kind: "get", namespace: NAMESPACE, service: SERVICE, uid: "ann" });
  expect(stored?.token).toBe(tokens.at(-1));
  const copies = await Promise.all(cluster.nodes.map((node) => node.cli("KEYS", key)));
  expect(copies.flat()).toEqual([key]);
  row.saw(`${writes.all.length} writes during ${moves} moves of their slot, none failed, each token once`);
});

faultRow(20, "a move that is left half done bounds waits by the deadline", async (row) => {
  await using cluster = await startCluster({ masters: 3, nodeTimeoutMs: NODE_TIMEOUT_MS });
  await using store = await openStore(cluster);
  // Two users in one bucket, so in one slot: one batch has keys on both sides.
  const uids = users("user", 200);
  await Promise.all(uids.map((uid) => set(store, uid, 5000)));
  const keys = await Promise.all(uids.slice(0, 1).map((uid) => keyOf(cluster, uid)));
  const tag = /\{[^}]+\}/.exec(keys[0] ?? "")?.[0] ?? "";
  const slot = await cluster.slotOf(keys[0] ?? "");
  const from = await cluster.nodeOf(slot);
  const there = (await from.cli("KEYS", `pl:${tag.replaceAll("{", "\\{")}*`)) as string[];
  const mates = there.map((key) => key.slice(key.indexOf("}") + 1)).filter((uid) => uid.startsWith("user-"));
  expect(mates.length).toBeGreaterThan(1);
  const to = cluster.nodes.find((node) => node !== from) ?? from;
  const move = await beginMove(row, from, to, slot);
  await move.moveKeys(1);
  const lateness = new Lateness();
  const ops = mates.map((uid) => ({ kind: "get", namespace: NAMESPACE, service: SERVICE, uid }) as const);
  const outcomes = await row.request(() =>
    Promise.all([
      outcomeOf(() => store.executeAll(ops, { timeoutMs: 700 })),
      ...mates.map((uid) => outcomeOf(() => set(store, uid, 700))),
    ]),
  );
  for (const { tookMs } of outcomes) expect(tookMs).toBeLessThan(700 + 250 + lateness.totalMs);
  for (const { error } of outcomes) {
    if (error !== undefined) expect(["STORE_UNAVAILABLE", "TIMEOUT"]).toContain(error.code);
  }
  // Other slots don't notice.
  const elsewhere = uids.filter((uid) => !mates.includes(uid));
  await row.request(() => Promise.all(elsewhere.map((uid) => set(store, uid))));
  lateness.end();
  await move.finish();
  for (const uid of mates) await vi.waitFor(() => set(store, uid), SOON);
  row.saw(
    `${outcomes.filter(({ error }) => error !== undefined).length} of ${outcomes.length} calls refused, all within ${Math.round(Math.max(...outcomes.map(({ tookMs }) => tookMs)))} ms (deadline 700 ms); all answered once the move was finished`,
  );
});

faultRow(21, "a whole Cluster down: calls settle at their deadline; up again: all recovers by itself", async (row) => {
  await using cluster = await startCluster({ masters: 3, nodeTimeoutMs: NODE_TIMEOUT_MS });
  await using store = await openStore(cluster, { commandTimeoutMs: 200 });
  await Promise.all(users("user", 10).map((uid) => set(store, uid, 5000)));
  const servers = cluster.nodes.map((node) => row.server(node));
  await Promise.all(servers.map((node) => node.kill9()));
  const lateness = new Lateness();
  let slowestMs = 0;
  for (let round = 0; round < 5; round += 1) {
    const outcomes = await row.request(() =>
      Promise.all(users("user", 10).map((uid) => outcomeOf(() => set(store, uid, 500)))),
    );
    for (const { error, tookMs } of outcomes) {
      expect(["STORE_UNAVAILABLE", "TIMEOUT"]).toContain(error?.code);
      expect(tookMs).toBeLessThan(500 + 250 + lateness.totalMs);
      slowestMs = Math.max(slowestMs, tookMs);
    }
  }
  lateness.end();
  expect(store.health().healthy).toBe(false);
  await Promise.all(servers.map((node) => node.restart()));
  await cluster.whenOk();
  const upAt = performance.now();
  await vi.waitFor(() => Promise.all(users("user", 10).map((uid) => set(store, uid))), SOON);
  const backMs = Math.round(performance.now() - upAt);
  await vi.waitFor(() => expect(store.health().healthy).toBe(true), SOON);
  row.saw(
    `50 calls failed, typed, after ${Math.round(slowestMs)} ms at most; writes again ${backMs} ms after the Cluster was content`,
  );
});

faultRow(22, "a master that was added serves slots to processes that knew nothing of it", async (row) => {
  await using cluster = await startCluster({ masters: 3, nodeTimeoutMs: NODE_TIMEOUT_MS });
  await using added = await startRedis({
    config: { "cluster-enabled": "yes", "cluster-node-timeout": NODE_TIMEOUT_MS },
  });
  await using store = await openStore(cluster);
  await set(store, "ann", 5000);
  const key = await keyOf(cluster, "ann");
  const slot = await cluster.slotOf(key);
  const from = await cluster.nodeOf(slot);
  await using writes = new StoreWrites(
    store,
    (write) => row.request(write),
    () => "ann",
  );
  const recorded = row.server(added);
  await recorded.cli("CLUSTER", "MEET", from.host, from.port);
  const id = String(await added.cli("CLUSTER", "MYID"));
  await vi.waitFor(async () => {
    for (const node of [...cluster.nodes, added]) {
      const text = String(await node.cli("CLUSTER", "NODES"));
      expect(text).toContain(id);
      expect(text.split("\n").filter((line) => line.includes(" connected"))).toHaveLength(4);
      expect(text).not.toContain("handshake");
    }
    expect(String(await added.cli("CLUSTER", "INFO"))).toContain("cluster_state:ok");
  }, SOON);
  const move = await beginMove(row, from, added, slot);
  await move.finish();
  const movedAt = performance.now();
  await vi.waitFor(() => expect(writes.resumedAfter(movedAt)).toBeDefined(), SOON);
  await vi.waitFor(() => expect(writes.all.filter(({ fromMs }) => fromMs > movedAt).length).toBeGreaterThan(10), SOON);
  await writes.end();
  expect(writes.failed).toEqual([]);
  expect(await added.cli("KEYS", key)).toEqual([key]);
  row.saw(`${writes.all.length} writes while a node was added and took their slot, none failed`);
});

faultRow(22, "a replica that takes over by command answers for its master's slots without a restart", async (row) => {
  await using cluster = await startCluster({ masters: 3, replicas: 1, nodeTimeoutMs: NODE_TIMEOUT_MS });
  await using store = await openStore(cluster);
  await set(store, "ann", 5000);
  const key = await keyOf(cluster, "ann");
  const master = await cluster.nodeOf(key);
  const replica = cluster.nodes[cluster.nodes.indexOf(master) + 3];
  if (replica === undefined) throw new Error("no replica");
  await using writes = new StoreWrites(
    store,
    (write) => row.request(write),
    () => "ann",
  );
  await vi.waitFor(() => expect(writes.acknowledged.length).toBeGreaterThan(5), SOON);
  await row.server(replica).cli("CLUSTER", "FAILOVER");
  await vi.waitFor(async () => expect(await cluster.nodeOf(key)).toBe(replica), SOON);
  const changedAt = performance.now();
  await vi.waitFor(() => expect(writes.resumedAfter(changedAt)).toBeDefined(), SOON);
  await vi.waitFor(
    () => expect(writes.all.filter(({ fromMs }) => fromMs > changedAt).length).toBeGreaterThan(10),
    SOON,
  );
  await writes.end();
  const tokens = writes.acknowledged.map(({ token }) => Number(token));
  expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
  for (const { failed } of writes.failed) expect(failed?.outcome).toBe("not-applied");
  row.saw(`${writes.all.length} writes across CLUSTER FAILOVER, ${writes.failed.length} refused as not applied`);
});
