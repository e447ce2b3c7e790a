import { DEFAULTS } from "@podlink/types";
import { recordingLogger } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import type { RedisServer } from "@podlink/testkit/redis";
import type { Redis } from "ioredis";
import { RedisLinks } from "../../src/links/redis-links.ts";
import type { RedisLinksOptions } from "../../src/links/redis-links.ts";
import { patiently } from "../support/patiently.ts";
import type { Tapped } from "./plain-connection.ts";
import { plainConnection } from "./plain-connection.ts";

/** Links on a real Redis, and a hand on everything beneath. */
export interface LinksOnRedis extends AsyncDisposable {
  readonly links: RedisLinks;
  readonly server: RedisServer;
  readonly redis: Redis;
  readonly tap: Tapped;
  readonly logger: ReturnType<typeof recordingLogger>;
  readonly close: () => Promise<void>;
}

export const PREFIX = "pl";
export const LINK_BUCKETS = 64;

export async function linksOnRedis(options: Partial<RedisLinksOptions> = {}): Promise<LinksOnRedis> {
  const server = await startRedis();
  const { connection, tap, redis, clock } = plainConnection(server.url);
  const logger = recordingLogger();
  const links = new RedisLinks({
    connection,
    clock,
    logger,
    prefix: PREFIX,
    linkBuckets: LINK_BUCKETS,
    ownedTtlMs: DEFAULTS.ownedTtlMs,
    maxWaitingOperations: 65_536,
    maxScriptsOnWire: 256,
    ...options,
  });
  const close = async (): Promise<void> => {
    links.close();
    await connection.close();
    await server.end();
  };
  return { links: patiently(links), server, redis, tap, logger, close, [Symbol.asyncDispose]: close };
}
