import { storeContract } from "@podlink/testkit/contract";
import type { RedisSentinels } from "@podlink/testkit/redis";
import { startSentinels } from "@podlink/testkit/redis";
import { afterAll, beforeAll } from "vitest";
import { executorHarness } from "../support/executor-harness.ts";

let redis: RedisSentinels;
beforeAll(async () => void (redis = await startSentinels()));
afterAll(() => redis.end());

storeContract("redis, Sentinel", async () =>
  executorHarness({
    options: { sentinels: { name: redis.name, nodes: redis.addresses } },
    servers: [await redis.primary()],
    flushAll: async () => {
      await (await redis.primary()).restart();
      await redis.whenFollowing();
    },
  }),
);
