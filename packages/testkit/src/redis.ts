/** Real Redis servers for tests: one, a primary with a replica under Sentinel, a Cluster. See the README: real Redis. */

export type { RedisServer, RestartOptions } from "./redis/redis-server.ts";
export type { RedisOptions, RedisTls } from "./redis/redis-options.ts";
export { startRedis } from "./redis/start-redis.ts";
export type { CertificateOptions } from "./redis/certificates.ts";
export { makeCertificates } from "./redis/certificates.ts";
export type { RedisSentinels, SentinelOptions } from "./redis/redis-sentinels.ts";
export { startSentinels } from "./redis/start-sentinels.ts";
export type { ClusterOptions, RedisCluster } from "./redis/cluster.ts";
export { startCluster } from "./redis/cluster.ts";
export type { SlotMove } from "./redis/slot-move.ts";
export type { Reply } from "./redis/reply.ts";
export { RedisReplyError } from "./redis/reply.ts";

// ---- Below: for those who build their own arrangement of servers. ----

export { findRedisServer } from "./redis/find-redis-server.ts";
