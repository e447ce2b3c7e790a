import { RedisExecutor } from "@podlink/redis-executor";
import type { RedisServer } from "@podlink/testkit/redis";
import { startCluster, startRedis } from "@podlink/testkit/redis";
import { Cluster, Redis } from "ioredis";
import type { Preparation } from "../measure/figure.ts";
import { pinToRedisCore } from "./cores.ts";

/** Our store, and a client of ioredis on the same servers. */
export interface OnServers {
  readonly servers: readonly RedisServer[];
  readonly executor: RedisExecutor;
  readonly bare: Redis | Cluster;
}

/** Both on one server. */
export interface OnRedis extends OnServers {
  readonly server: RedisServer;
  readonly bare: Redis;
  /** Bytes that the server's data take. */
  readonly usedBytes: () => Promise<number>;
}

/** Nothing here is judged by a deadline: with thousands of calls at once, and on a busy machine, each may wait. */
const PATIENT = { commandTimeoutMs: 10_000 };

/** Starts a server, on a core of its own where that is wanted. */
export async function redisServer({ pin, defer }: Preparation): Promise<RedisServer> {
  const server = await startRedis();
  defer(() => server.end());
  if (pin) pinToRedisCore(server.pid);
  return server;
}

/** A store of its own on the server. */
export async function storeOn({ url }: { url: string }, { defer }: Pick<Preparation, "defer">): Promise<RedisExecutor> {
  const executor = new RedisExecutor({ url, ...PATIENT });
  defer(() => executor.close());
  await executor.init(["bench"], { timeoutMs: 10_000 });
  return executor;
}

/** Starts a server and connects both ways. */
export async function onRedis(preparation: Preparation): Promise<OnRedis> {
  const server = await redisServer(preparation);
  const executor = await storeOn(server, preparation);
  const bare = new Redis(server.url);
  preparation.defer(() => bare.disconnect());
  await bare.ping();
  const usedBytes = async (): Promise<number> => Number((await server.info("memory"))["used_memory"]);
  return { server, servers: [server], executor, bare, usedBytes };
}

/** Both on a Cluster of three masters. */
export async function onCluster({ pin, defer }: Preparation): Promise<OnServers & { readonly bare: Cluster }> {
  const cluster = await startCluster();
  defer(() => cluster.end());
  if (pin) for (const node of cluster.nodes) pinToRedisCore(node.pid);
  const executor = new RedisExecutor({ cluster: { nodes: cluster.addresses }, ...PATIENT });
  defer(() => executor.close());
  const bare = new Cluster([...cluster.addresses]);
  defer(() => bare.disconnect());
  await executor.init(["bench"], { timeoutMs: 10_000 });
  await bare.set("first", "1");
  return { servers: cluster.nodes, executor, bare };
}

/** Deletes what a server has under such keys, and says how many there were. */
export const forgetKeys = async (server: RedisServer, pattern: string): Promise<number> =>
  Number(await server.cli("EVAL", FORGET, 0, pattern));

const FORGET = `
local cursor, forgotten = '0', 0
repeat
  local scanned = redis.call('SCAN', cursor, 'MATCH', ARGV[1], 'COUNT', 1000)
  cursor = scanned[1]
  for _, key in ipairs(scanned[2]) do
    forgotten = forgotten + redis.call('DEL', key)
  end
until cursor == '0'
return forgotten`;
