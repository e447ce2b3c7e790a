import { linkStoreProperties, storeContract } from "@podlink/testkit/contract";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll } from "vitest";
import type { RedisServer } from "@podlink/testkit/redis";
import { executorHarness } from "../support/executor-harness.ts";

let redis: RedisServer;
beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.end());

const makeStore = async () =>
  executorHarness({ options: { url: redis.url }, servers: [redis], flushAll: () => redis.restart() });

storeContract("redis, single", makeStore);
linkStoreProperties("redis, single", makeStore, { numRuns: 100 });
