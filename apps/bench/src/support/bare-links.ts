import type { RedisExecutor } from "@podlink/redis-executor";
import type { Cluster, Redis } from "ioredis";

const PODS = 100;
const TTL_MS = 300_000;
/** Nothing here is judged by a deadline: on a busy machine each may wait. */
const PATIENT = { timeoutMs: 10_000 };

/** A new link, as a caller makes it. */
export const create = (executor: RedisExecutor, prefix: string, turn: number): Promise<unknown> =>
  executor.execute(
    {
      kind: "setIfAbsent",
      namespace: "bench",
      service: "room",
      uid: prefix + turn,
      owner: { podIndex: turn % PODS },
      lifetime: { ttlMs: TTL_MS },
    },
    PATIENT,
  );

/** The same written by hand. */
export const bareSet = (bare: Redis | Cluster, prefix: string, turn: number): Promise<unknown> =>
  bare.set(prefix + turn, String(turn % PODS), "PX", TTL_MS, "NX", "GET");
