import { serverConf } from "./redis-conf.ts";
import type { RedisOptions } from "./redis-options.ts";
import type { RedisServer } from "./redis-server.ts";
import { startServer } from "./started-server.ts";

/**
 * Starts a redis-server on a free port of 127.0.0.1; resolves when it answers.
 * @throws Error when there is no redis-server, or with what it said when it doesn't start
 */
export const startRedis = (options: RedisOptions = {}): Promise<RedisServer> =>
  startServer({ conf: serverConf(options), tls: options.tls !== undefined, password: options.password });
