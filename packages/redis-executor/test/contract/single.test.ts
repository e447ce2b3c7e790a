import { storeContract } from "@podlink/testkit/contract";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll } from "vitest";
import type { RedisServer } from "@podlink/testkit/redis";
import { executorHarness } from "../support/executor-harness.ts";

let redis: RedisServer;
beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.end());

storeContract("redis, single", async () =>
  executorHarness({ options: { url: redis.url }, servers: [redis], flushAll: () => redis.restart() }),
);
