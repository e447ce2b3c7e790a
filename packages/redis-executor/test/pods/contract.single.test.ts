import {
  catalogueContract,
  podDirectoryContract,
  podRegistryContract,
  podRegistryProperties,
} from "@podlink/testkit/contract";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll } from "vitest";
import { catalogueHarness, podsHarness } from "./contract-harness.ts";

const redis = await startRedis();
afterAll(() => redis.end());

podDirectoryContract("Redis", () => podsHarness(redis));
podRegistryContract("Redis", () => podsHarness(redis));
catalogueContract("Redis", () => catalogueHarness(redis));
podRegistryProperties("Redis", () => podsHarness(redis));
