import { randomBytes } from "node:crypto";
import { harnessUser } from "./harness-user.ts";
import type { ConfLines } from "./redis-conf.ts";
import { serverConf } from "./redis-conf.ts";
import type { RedisSentinels, SentinelOptions } from "./redis-sentinels.ts";
import type { RedisServer } from "./redis-server.ts";
import { endAll, startAll } from "./several.ts";
import { startServer } from "./started-server.ts";
import { WatchedServers } from "./watched-servers.ts";

const COUNT = 3;
const QUORUM = 2;

/** Resolves when every Sentinel knows the replica and the other Sentinels, and the replica follows. */
export async function startSentinels(options: SentinelOptions = {}): Promise<RedisSentinels> {
  const { name = "podlink", downAfterMs = 1000, server = {} } = options;
  const conf = serverConf(server);
  const start = (also: ConfLines): Promise<RedisServer> =>
    startServer({ conf: [...conf, ...also], password: server.password });
  const primary = await start([]);
  const started: RedisServer[] = [primary];
  try {
    const replica = await start([["replicaof", primary.host, primary.port]]);
    started.push(replica);
    const sentinels = await startAll(COUNT, () =>
      startServer({ conf: sentinelConf(name, primary, downAfterMs), flags: ["--sentinel"] }),
    );
    started.push(...sentinels);
    const watched = new WatchedServers(name, [primary, replica], sentinels);
    await watched.prepare();
    return watched;
  } catch (error) {
    await endAll(started);
    throw error;
  }
}

const sentinelConf = (name: string, primary: RedisServer, downAfterMs: number): ConfLines => [
  ["sentinel", "myid", randomBytes(20).toString("hex")],
  ["sentinel", "monitor", name, primary.host, primary.port, QUORUM],
  ["sentinel", "down-after-milliseconds", name, downAfterMs],
  ["sentinel", "failover-timeout", name, 2000],
  ["sentinel", "auth-user", name, harnessUser.name],
  ["sentinel", "auth-pass", name, harnessUser.password],
];
