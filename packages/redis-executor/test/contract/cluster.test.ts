import { storeContract } from "@podlink/testkit/contract";
import type { RedisCluster } from "@podlink/testkit/redis";
import { startCluster } from "@podlink/testkit/redis";
import { afterAll, beforeAll } from "vitest";
import { executorHarness } from "../support/executor-harness.ts";

let cluster: RedisCluster;
beforeAll(async () => void (cluster = await startCluster({ masters: 3 })));
afterAll(() => cluster.end());

storeContract("redis, Cluster of 3", async () =>
  executorHarness({
    options: { cluster: { nodes: cluster.addresses } },
    servers: cluster.nodes,
    busMs: 25,
    flushAll: async () => {
      await Promise.all(cluster.nodes.map((node) => node.restart()));
      await cluster.whenOk();
    },
  }),
);
