import type { FaultRow } from "@podlink/faults";
import type { RedisExecutorOptions } from "@podlink/redis-executor";
import type { FaultProxies, FaultProxy, FaultRule, ProxiedConnection } from "@podlink/testkit";
import { startFaultProxies, startFaultProxy } from "@podlink/testkit";
import type { RedisSentinels, RedisServer } from "@podlink/testkit/redis";
import { startRedis, startSentinels } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { NAMESPACE, SERVICE, SOON } from "./store-pods.ts";

const QUORUM = 2;
/** How often Sentinels look and speak, in ms: while they have to meet, and while they watch. See the testkit's own arrangement. */
const MEETING = { "info-period": 100, "publish-period": 100, "ask-period": 100, "ping-period": 300 };
const WATCHING = { "info-period": 500, "publish-period": 600, "ask-period": 100, "ping-period": 300 };

/** What we recommend: a primary whose replicas have not spoken for longer takes no writes. */
export const RECOMMENDED = { "min-replicas-to-write": 1, "min-replicas-max-lag": 1 } as const;

/** Clients of ioredis say HELLO first; a replica begins with PING, a Sentinel with CLIENT. */
const isClient = ({ firstBytes }: ProxiedConnection): boolean =>
  firstBytes !== undefined && /^\*\d+\r\n\$5\r\nhello\r\n/i.test(firstBytes.toString("latin1"));
const isPeer = (connection: ProxiedConnection): boolean => connection.firstBytes !== undefined && !isClient(connection);

export interface IsolatedPrimaryOptions {
  /** Lines of redis.conf for all three servers. Default: none. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** How long the primary must be silent before a Sentinel believes it down, in ms. Default 1000. */
  readonly downAfterMs?: number;
}

/**
 * A primary, two replicas and three Sentinels, where the primary and the Sentinels are called by the address of a line before
 * each. So the primary can be cut off from its replicas and the Sentinels alone, while clients reach it as before; and those
 * clients that know the Sentinels by their lines can be left on its side.
 */
export class IsolatedPrimary implements AsyncDisposable {
  readonly old: RedisServer;
  /** Who is promoted: the other replica never is. */
  readonly next: RedisServer;
  /** Clients on the side of most Sentinels. */
  readonly majority: RedisExecutorOptions;
  /** Clients that don't reach the Sentinels while the primary is isolated. */
  readonly minority: RedisExecutorOptions;
  readonly #redis: RedisSentinels;
  readonly #second: RedisServer;
  readonly #line: FaultProxy;
  readonly #sentinelLines: FaultProxies;
  readonly #downAfterMs: number;
  #rules: FaultRule[] = [];

  private constructor(
    redis: RedisSentinels,
    parts: {
      readonly second: RedisServer;
      readonly line: FaultProxy;
      readonly sentinelLines: FaultProxies;
      readonly downAfterMs: number;
    },
  ) {
    const { second, line, sentinelLines, downAfterMs } = parts;
    [this.old, this.next] = redis.servers as [RedisServer, RedisServer];
    this.majority = { sentinels: { name: redis.name, nodes: redis.addresses } };
    this.minority = { sentinels: { name: redis.name, nodes: sentinelLines.addresses } };
    this.#redis = redis;
    this.#second = second;
    this.#downAfterMs = downAfterMs;
    this.#line = line;
    this.#sentinelLines = sentinelLines;
  }

  static async start({ config = {}, downAfterMs = 1000 }: IsolatedPrimaryOptions = {}): Promise<IsolatedPrimary> {
    const redis = await startSentinels({ downAfterMs, server: { config } });
    const line = await startFaultProxy({ target: await redis.primary() });
    const second = await startRedis({
      config: { ...config, replicaof: `${line.host} ${line.port}`, "replica-priority": 0 },
    });
    const sentinelLines = await startFaultProxies(redis.addresses);
    const world = new IsolatedPrimary(redis, { second, line, sentinelLines, downAfterMs });
    try {
      await world.#callByLines();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Cuts the primary off; resolves when nothing more reaches its replica. */
  async isolate(row: FaultRow): Promise<void> {
    // By the chunk, so that connections made meanwhile, which have said nothing yet, are judged by what they say.
    const all = (): boolean => true;
    const cut = row.proxy(this.#line).add({ fault: "blackhole", connections: isPeer, bytes: all });
    const blind = this.#sentinelLines.all.map((proxy) =>
      row.proxy(proxy).add({ fault: "blackhole", connections: isClient, bytes: all }),
    );
    this.#rules = [cut, ...blind];
    const { next } = this;
    const heard = async (): Promise<string> => (await next.info("replication"))["slave_repl_offset"] ?? "";
    await cut.whenFired();
    await vi.waitFor(async () => {
      const [server, before] = [await this.old.info("replication"), await heard()];
      expect(Number(server["master_repl_offset"])).toBeGreaterThan(Number(before));
      expect(await heard()).toBe(before);
    }, SOON);
  }

  /** By command, as an operator does it before maintenance. */
  async failOver(row: FaultRow): Promise<void> {
    await row.server(this.#sentinel()).cli("SENTINEL", "FAILOVER", this.#redis.name);
  }

  /** Resolves with the moment when the replica has become a primary: no client was told yet. */
  async promoted(): Promise<number> {
    await vi.waitFor(async () => expect((await this.next.info("replication"))["role"]).toBe("master"), {
      ...SOON,
      interval: 5,
    });
    return performance.now();
  }

  /** Resolves with the moment when most Sentinels name the new primary: then the failover is detected. */
  async detected(): Promise<number> {
    await vi.waitFor(async () => expect(await this.#redis.primary()).toBe(this.next), { ...SOON, interval: 5 });
    return performance.now();
  }

  /** The lines are whole again; resolves when the old primary follows the new one. */
  async heal(): Promise<void> {
    for (const rule of this.#rules) rule.end();
    this.#rules = [];
    await this.#setPace(MEETING);
    await vi.waitFor(async () => {
      const replication = await this.old.info("replication");
      expect([replication["role"], replication["master_link_status"]]).toEqual(["slave", "up"]);
    }, SOON);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#redis.end();
    await this.#second[Symbol.asyncDispose]();
    await this.#line.end();
    await this.#sentinelLines.end();
  }

  #sentinel(): RedisServer {
    return this.#redis.sentinels[0] as RedisServer;
  }

  async #callByLines(): Promise<void> {
    const { host, port } = this.#line;
    await this.next.cli("REPLICAOF", host, port);
    await vi.waitFor(async () => {
      for (const replica of [this.next, this.#second]) {
        const replication = await replica.info("replication");
        expect([replication["master_port"], replication["master_link_status"]]).toEqual([`${port}`, "up"]);
      }
    }, SOON);
    const { name, sentinels } = this.#redis;
    await Promise.all(sentinels.map((sentinel) => sentinel.cli("SENTINEL", "REMOVE", name)));
    await this.#setPace(MEETING);
    for (const [index, sentinel] of sentinels.entries()) {
      const line = this.#sentinelLines.addresses[index] as { host: string; port: number };
      await sentinel.cli("SENTINEL", "CONFIG", "SET", "announce-ip", line.host);
      await sentinel.cli("SENTINEL", "CONFIG", "SET", "announce-port", line.port);
      await sentinel.cli("SENTINEL", "MONITOR", name, host, port, QUORUM);
      await sentinel.cli(
        "SENTINEL",
        "SET",
        name,
        "down-after-milliseconds",
        this.#downAfterMs,
        "failover-timeout",
        2000,
      );
    }
    await vi.waitFor(async () => {
      for (const sentinel of sentinels) {
        // As they announce themselves; a Sentinel doesn't tell of itself.
        const others = (await sentinel.cli("SENTINEL", "SENTINELS", name)) as string[][];
        const lines = this.#sentinelLines.all.filter((_, index) => sentinels[index] !== sentinel);
        expect(new Set(others.map(portOf))).toEqual(new Set(lines.map((line) => `${line.port}`)));
        const replicas = (await sentinel.cli("SENTINEL", "REPLICAS", name)) as string[][];
        expect(replicas).toHaveLength(2);
        for (const replica of replicas) expect(replica).toEqual(expect.arrayContaining(["slave", "ok"]));
      }
    }, SOON);
    await this.#setPace(WATCHING);
  }

  async #setPace(pace: Readonly<Record<string, number>>): Promise<void> {
    const words = Object.entries(pace).flat();
    await Promise.all(this.#redis.sentinels.map((sentinel) => sentinel.cli("SENTINEL", "DEBUG", ...words)));
  }
}

/** Of what a Sentinel tells of a server: names and values in turn. */
const portOf = (fields: readonly string[]): string | undefined => fields[fields.indexOf("port") + 1];

const ALL_LINKS = `local found = {}
for _, key in ipairs(redis.call("KEYS", ARGV[1])) do
  if redis.call("TYPE", key).ok == "hash" then
    found[#found + 1] = key
    found[#found + 1] = redis.call("HGET", key, ARGV[2]) or ""
  end
end
return found`;

/** The links that a server has, all as of one moment: the token of each user's. */
export async function linksOn(server: RedisServer): Promise<Map<string, string>> {
  const found = (await server.cli("EVAL", ALL_LINKS, 0, `pl:{${NAMESPACE}/*}*`, SERVICE)) as string[];
  const links = new Map<string, string>();
  for (let at = 0; at < found.length; at += 2) {
    const [key = "", value = ""] = [found[at], found[at + 1]];
    const token = /^1\|[^|]*\|[^|]*\|([0-9a-z]+)\|/.exec(value)?.[1];
    if (token !== undefined) links.set(key.slice(key.indexOf("}") + 1), `${Number.parseInt(token, 36)}`);
  }
  return links;
}
