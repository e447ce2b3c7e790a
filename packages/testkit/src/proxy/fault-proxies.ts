import { RouteError } from "@podlink/types";
import type { FaultProxy } from "./fault-proxy.ts";
import { startFaultProxy } from "./fault-proxy.ts";
import { mixedSeed } from "./mixed-seed.ts";
import type { FaultProxyOptions } from "./options.ts";

/** A server's address, as it and its peers call it. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** A proxy before each of several servers: the nodes of a Redis Cluster, a primary with its replicas and Sentinels, pods. */
export interface FaultProxies extends AsyncDisposable {
  /** In the order of the servers. */
  readonly all: readonly FaultProxy[];
  /** Where the proxies listen, in the order of the servers: what a client is given. */
  readonly addresses: readonly ServerAddress[];
  /** `127.0.0.1:7001` -> its proxy: what ioredis' `natMap` takes, so that nodes that a server names are reached through it. */
  readonly natMap: Readonly<Record<string, ServerAddress>>;
  /** @throws RouteError INVALID_ARGUMENT: none is before that server */
  of(server: ServerAddress): FaultProxy;
  /** Ends all rules of all. */
  heal(): void;
  end(): Promise<void>;
}

/** @throws RouteError CONFIG naming what breaks which rule */
export async function startFaultProxies(
  servers: readonly ServerAddress[],
  options: Omit<FaultProxyOptions, "target"> = {},
): Promise<FaultProxies> {
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  const all: FaultProxy[] = [];
  const end = async (): Promise<void> => void (await Promise.all(all.map((proxy) => proxy.end())));
  try {
    for (const [index, { host, port }] of servers.entries())
      all.push(await startFaultProxy({ ...options, target: { host, port }, seed: mixedSeed(seed, index) }));
  } catch (error) {
    await end();
    throw error;
  }
  const addresses = all.map(({ host, port }) => ({ host, port }));
  const byServer = new Map(servers.map((server, index) => [keyOf(server), index]));
  return {
    all,
    addresses,
    natMap: Object.fromEntries(
      Array.from(byServer, ([key, index]) => [key, addresses[index]] as [string, ServerAddress]),
    ),
    of(server) {
      const proxy = all[byServer.get(keyOf(server)) ?? all.length];
      if (proxy === undefined) throw new RouteError("INVALID_ARGUMENT", `no fault proxy is before ${keyOf(server)}`);
      return proxy;
    },
    heal: () => all.forEach((proxy) => proxy.heal()),
    end,
    [Symbol.asyncDispose]: end,
  };
}

const keyOf = ({ host, port }: ServerAddress): string => `${host}:${port}`;
