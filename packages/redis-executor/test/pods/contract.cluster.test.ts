import {
  catalogueContract,
  podDirectoryContract,
  podRegistryContract,
  podRegistryProperties,
} from "@podlink/testkit/contract";
import { startCluster } from "@podlink/testkit/redis";
import { afterAll } from "vitest";
import { catalogueHarness, podsHarness } from "./contract-harness.ts";

const redis = await startCluster();
afterAll(() => redis.end());

podDirectoryContract("Redis Cluster", () => podsHarness(redis));
podRegistryContract("Redis Cluster", () => podsHarness(redis));
catalogueContract("Redis Cluster", () => catalogueHarness(redis));
podRegistryProperties("Redis Cluster", () => podsHarness(redis), { numRuns: 50 });
