import { RedisExecutor } from "@podlink/redis-executor";
import { startRedis } from "@podlink/testkit/redis";
import { Redis } from "ioredis";

/** Our store and a bare ioredis on one server. */
export interface OnRedis {
  readonly executor: RedisExecutor;
  readonly bare: Redis;
  /** Bytes that the server's data take. */
  readonly usedBytes: () => Promise<number>;
  readonly end: () => Promise<void>;
}

/** Starts a server and connects both ways. */
export async function onRedis(): Promise<OnRedis> {
  const server = await startRedis();
  const executor = new RedisExecutor({ url: server.url });
  const bare = new Redis(server.url);
  await executor.execute({ kind: "get", namespace: "bench", service: "room", uid: "first" });
  await bare.ping();
  return {
    executor,
    bare,
    usedBytes: async () => Number(/used_memory:(\d+)/.exec(await bare.info("memory"))?.[1]),
    end: async () => {
      await executor.close();
      bare.disconnect();
      await server.end();
    },
  };
}

/** Runs `work` for 0 to `total` - 1 by so many callers at a time; nanoseconds for each. */
export async function nsEachBy(
  callers: number,
  total: number,
  work: (turn: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < total) await work(next++);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return ((performance.now() - start) * 1e6) / total;
}
