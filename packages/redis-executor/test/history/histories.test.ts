import type { RedisCluster, RedisServer } from "@podlink/testkit/redis";
import { startCluster, startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, describe, test } from "vitest";
import { checkLossyHistories } from "./lossy-histories.ts";

/** `npm run verify` has far more. */
const histories = Number(process.env["HISTORIES"] ?? 100);
const falsehoods = Math.ceil(histories / 10);
const seed = Number(process.env["SEED"] ?? 20261128);
/** Few, so that a script carries many operations of many histories; all three nodes have some. */
const LINK_BUCKETS = 8;
const timeout = 60_000 + histories * 100;

describe("a single Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => void (redis = await startRedis()));
  afterAll(() => redis.end());

  test(
    "random histories through lines that lose replies and requests are linearizable; with one reply falsified none is",
    { timeout },
    () =>
      checkLossyHistories({
        name: "single Redis",
        servers: [redis],
        optionsOf: ({ all }) => ({ url: all[0]?.url("redis") ?? "" }),
        histories,
        falsehoods,
        seed,
      }),
  );
});

describe("a Cluster of 3", () => {
  let cluster: RedisCluster;
  beforeAll(async () => void (cluster = await startCluster({ masters: 3 })));
  afterAll(() => cluster.end());

  test(
    "random histories through lines that lose replies and requests are linearizable; with one reply falsified none is",
    { timeout },
    () =>
      checkLossyHistories({
        name: "Cluster of 3",
        servers: cluster.nodes,
        optionsOf: ({ addresses, natMap }) => ({ cluster: { nodes: addresses, natMap }, linkBuckets: LINK_BUCKETS }),
        histories,
        falsehoods,
        seed,
      }),
  );
});
