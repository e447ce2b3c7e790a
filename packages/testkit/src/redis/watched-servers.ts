import type { RedisSentinels } from "./redis-sentinels.ts";
import type { RedisServer } from "./redis-server.ts";
import { textsOf } from "./reply-fields.ts";
import { endAll } from "./several.ts";
import { until } from "./until.ts";

/**
 * Sentinels look around every 10 s at slowest; this is a test's pace, in milliseconds. Once a failover is on they look at the
 * replica every 1000 ms, whatever is set here. So three info periods and five ping periods, for which a look counts, must be
 * longer than that, and so must four publish periods, after which they demote who calls itself primary without their
 * knowledge. While they only have to meet, or to demote somebody, none of that matters.
 */
const WATCHING = {
  "info-period": 500,
  "ping-period": 300,
  "ask-period": 100,
  "publish-period": 600,
  "tilt-trigger": 10_000,
};
const MEETING = { ...WATCHING, "info-period": 100, "publish-period": 100 };

/** A primary and its replica, seen through the Sentinels that watch them. */
export class WatchedServers implements RedisSentinels {
  readonly name: string;
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  constructor(name: string, servers: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.name = name;
    this.servers = servers;
    this.sentinels = sentinels;
  }

  get addresses(): { host: string; port: number }[] {
    return this.sentinels.map(({ host, port }) => ({ host, port }));
  }

  async primary(): Promise<RedisServer> {
    const views = await this.#views();
    const votes = (server: RedisServer): number => views.filter(({ port }) => port === `${server.port}`).length;
    const [first, second] = this.servers as [RedisServer, RedisServer];
    return votes(second) > votes(first) ? second : first;
  }

  async replica(): Promise<RedisServer> {
    const primary = await this.primary();
    return this.servers.find((server) => server !== primary) as RedisServer;
  }

  async failover({ kill = false }: { readonly kill?: boolean } = {}): Promise<RedisServer> {
    await this.whenFollowing();
    const [old, next] = [await this.primary(), await this.replica()];
    if (kill) await old.kill9();
    await until("every Sentinel names the new primary", async () => {
      const views = await this.#views();
      if (views.every(({ port }) => port === `${next.port}`)) return true;
      if (!kill) await this.#command(old, views[0]);
      return false;
    });
    await until("the new primary takes writes", async () => (await next.info("replication"))["role"] === "master");
    if (!kill) await this.whenFollowing();
    return next;
  }

  async whenFollowing(): Promise<void> {
    const [primary, replica] = [await this.primary(), await this.replica()];
    const settled = async (): Promise<boolean> => (await follows(replica, primary)) && this.#allSee(replica);
    if (await settled()) return;
    await this.#setPace(MEETING);
    await until("the replica follows, and every Sentinel sees it", settled);
    await this.#setPace(WATCHING);
  }

  async end(): Promise<void> {
    await endAll([...this.sentinels, ...this.servers]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async prepare(): Promise<void> {
    await this.#setPace(MEETING);
    await until("every Sentinel knows the others", async () => {
      const views = await this.#views();
      return views.every((view) => view["num-other-sentinels"] === `${this.sentinels.length - 1}`);
    });
    await this.whenFollowing();
    await this.#setPace(WATCHING);
  }

  #running(): RedisServer[] {
    return this.sentinels.filter(({ pid }) => pid !== undefined);
  }

  async #setPace(pace: Readonly<Record<string, number>>): Promise<void> {
    const words = Object.entries(pace).flat();
    await Promise.all(this.#running().map((sentinel) => sentinel.cli("SENTINEL", "DEBUG", ...words)));
  }

  /** What each running Sentinel says of the primary. */
  #views(): Promise<Record<string, string>[]> {
    return Promise.all(
      this.#running().map(async (sentinel) => textsOf(await sentinel.cli("SENTINEL", "MASTER", this.name))),
    );
  }

  async #allSee(replica: RedisServer): Promise<boolean> {
    const lists = await Promise.all(this.#running().map((sentinel) => sentinel.cli("SENTINEL", "REPLICAS", this.name)));
    return lists.every((list) => {
      const seen = (Array.isArray(list) ? list.map(textsOf) : []).find(({ port }) => port === `${replica.port}`);
      return seen?.["flags"] === "slave" && seen["role-reported"] === "slave" && seen["master-link-status"] === "ok";
    });
  }

  /** Says it to the first running Sentinel, unless that is at it already. It may refuse, or begin and give up. */
  async #command(old: RedisServer, view: Readonly<Record<string, string>> | undefined): Promise<void> {
    if (view?.["port"] !== `${old.port}` || view["flags"]?.includes("failover_in_progress")) return;
    await this.#running()[0]
      ?.cli("SENTINEL", "FAILOVER", this.name)
      .catch(() => undefined);
  }
}

const follows = async (replica: RedisServer, primary: RedisServer): Promise<boolean> => {
  const replication = await replica.info("replication");
  return replication["master_link_status"] === "up" && replication["master_port"] === `${primary.port}`;
};
