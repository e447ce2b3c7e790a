/** The podlink store on Redis: single node, Sentinel, Cluster. */

// Names that users meet.
export type { ClusterNodesOptions, RedisAddress, RedisExecutorOptions, SentinelsOptions } from "./options.ts";
export { RedisExecutor } from "./redis-executor.ts";
