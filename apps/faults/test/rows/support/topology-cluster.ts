import type { FaultRow } from "@podlink/faults";
import { RedisExecutor } from "@podlink/redis-executor";
import type { RedisCluster, RedisServer } from "@podlink/testkit/redis";
import type { Link } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { vi } from "vitest";
import { NAMESPACE, SERVICE, SOON } from "./store-pods.ts";

/** How long a node must be silent before the others believe it down, in ms. */
export const NODE_TIMEOUT_MS = 1000;
export const openStore = async (
  cluster: RedisCluster,
  options: { commandTimeoutMs?: number } = {},
): Promise<RedisExecutor> => {
  const store = new RedisExecutor({ cluster: { nodes: cluster.addresses }, ...options });
  await vi.waitFor(() => store.init([NAMESPACE], { timeoutMs: 10_000 }), SOON);
  return store;
};

/** One user's link, on whichever node its bucket is. */
export const set = (store: RedisExecutor, uid: string, timeoutMs?: number): Promise<{ readonly link: Link }> =>
  store.execute(
    { kind: "set", namespace: NAMESPACE, service: SERVICE, uid, owner: { podIndex: 1 }, lifetime: { ttlMs: 600_000 } },
    timeoutMs === undefined ? {} : { timeoutMs },
  ) as Promise<{ readonly link: Link }>;

/** The key of a uid that was written. */
export async function keyOf(cluster: RedisCluster, uid: string): Promise<string> {
  for (const node of cluster.nodes) {
    if (node.pid === undefined) continue;
    const [key] = (await node.cli("KEYS", `pl:{${NAMESPACE}/*}${uid}`)) as string[];
    if (key !== undefined) return key;
  }
  throw new Error(`nobody has ${uid}`);
}

/** Users whose links are on the node, and users whose links are not. */
export async function splitBy(
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
export async function outcomeOf(call: () => Promise<unknown>): Promise<{ error?: RouteError; tookMs: number }> {
  const fromMs = performance.now();
  try {
    await call();
    return { tookMs: performance.now() - fromMs };
  } catch (error) {
    if (!RouteError.is(error)) throw error;
    return { error, tookMs: performance.now() - fromMs };
  }
}

/** A slot between two nodes, each step on record. */
export interface RecordedMove {
  /** So many of its keys, or all. */
  moveKeys(limit?: number): Promise<void>;
  finish(): Promise<void>;
}

export async function beginMove(
  row: FaultRow,
  from: RedisServer,
  to: RedisServer,
  slot: number,
): Promise<RecordedMove> {
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

/** How often the nodes have answered with an error of this name. */
export async function answered(nodes: readonly RedisServer[], error: string): Promise<number> {
  const stats = await Promise.all(nodes.map((node) => node.info("errorstats")));
  return stats.reduce((sum, stat) => sum + Number(/count=(\d+)/.exec(stat[`errorstat_${error}`] ?? "")?.[1] ?? 0), 0);
}
