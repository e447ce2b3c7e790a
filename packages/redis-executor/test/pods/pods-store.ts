import { randomBytes } from "node:crypto";
import type { Catalogue, Clock, Logger, PodDirectory, PodRegistry } from "@podlink/types";
import { silentLogger, systemClock } from "@podlink/types";
import type { RedisCluster, RedisServer } from "@podlink/testkit/redis";
import type { Connection } from "../../src/connection/ports.ts";
import { RedisConnection } from "../../src/connection/redis-connection.ts";
import type { RedisExecutorOptions } from "../../src/options.ts";
import { parseRedisOptions } from "../../src/options.ts";
import { RedisCatalogue } from "../../src/pods/catalogue.ts";
import { RedisDirectory } from "../../src/pods/directory.ts";
import type { PodParts } from "../../src/pods/parts.ts";
import { RedisRegistry } from "../../src/pods/registry.ts";
import { TimerWheel } from "../../src/timer-wheel.ts";
import { PATIENT } from "../support/connections.ts";

export type AnyRedis = RedisServer | RedisCluster;

/** The servers of it that hold data. */
export const serversOf = (redis: AnyRedis): readonly RedisServer[] => ("nodes" in redis ? redis.nodes : [redis]);

/** A connection of the executor's own to a running Redis. */
export function connectTo(redis: AnyRedis, options: RedisExecutorOptions = {}): Connection {
  const where = "nodes" in redis ? { cluster: { nodes: redis.addresses } } : { url: redis.url };
  const settings = parseRedisOptions({ ...PATIENT, ...where, ...options });
  const wheel = new TimerWheel(systemClock);
  return new RedisConnection({ settings, wheel, clock: systemClock, logger: silentLogger });
}

export interface PodsStore extends PodDirectory, PodRegistry, Catalogue {
  readonly connection: Connection;
  readonly directory: RedisDirectory;
  readonly registry: RedisRegistry;
  readonly catalogue: RedisCatalogue;
  readonly prefix: string;
  close(): Promise<void>;
}

export interface PodsStoreOptions extends Partial<Pick<PodParts, "nowMs">> {
  readonly connection: Connection;
  readonly prefix?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** What the executor does for pods, over a connection. */
export function podsStore({ connection, prefix = randomPrefix(), clock, logger, nowMs }: PodsStoreOptions): PodsStore {
  const parts = {
    connection,
    clock: clock ?? systemClock,
    logger: logger ?? silentLogger,
    prefix,
    overloadScore: 95,
    ...(nowMs === undefined ? undefined : { nowMs }),
  };
  const registry = new RedisRegistry(parts);
  const directory = new RedisDirectory(parts);
  const catalogue = new RedisCatalogue(parts);
  return {
    connection,
    registry,
    directory,
    catalogue,
    prefix,
    register: (...call) => registry.register(...call),
    report: (...call) => registry.report(...call),
    leave: (...call) => registry.leave(...call),
    watchLostLinks: (...call) => registry.watchLostLinks(...call),
    watchSuccessors: (...call) => registry.watchSuccessors(...call),
    readPods: (...call) => directory.readPods(...call),
    watchPods: (...call) => directory.watchPods(...call),
    setServiceTag: (...call) => catalogue.setServiceTag(...call),
    serviceByTag: (...call) => catalogue.serviceByTag(...call),
    setWorkloadState: (...call) => catalogue.setWorkloadState(...call),
    workloadStates: (...call) => catalogue.workloadStates(...call),
    close: () => connection.close(),
  };
}

/** Data of others may be on the same server. */
export const randomPrefix = (): string => `pl-${randomBytes(4).toString("hex")}`;
