import { faultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import type { RedisCluster, RedisServer } from "@podlink/testkit/redis";
import { startCluster } from "@podlink/testkit/redis";
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
