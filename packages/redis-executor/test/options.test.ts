import { describe, expect, test } from "vitest";
import { RouteError } from "@podlink/types";
import {
  clusterOptions,
  commonOptions,
  retryDelayMs,
  sentinelOptions,
  singleOptions,
} from "../src/connection/client-options.ts";
import { RedisExecutor } from "../src/index.ts";
import type { RedisExecutorOptions } from "../src/index.ts";
import { parseRedisOptions } from "../src/options.ts";

function refusalOf(options: object): string {
  try {
    void new RedisExecutor(options).close();
  } catch (error) {
    if (RouteError.is(error) && error.code === "CONFIG") return error.message;
    throw error;
  }
  throw new Error("the options were accepted");
}

describe("fault 23: no option is accepted and ignored", () => {
  test.each([
    ["poolSize", "maxScriptsOnWire"],
    ["minIdleConns", "made at start and kept"],
    ["poolTimeout", "commandTimeoutMs"],
    ["idleTimeout", "healthCheckIntervalMs"],
  ])("%s of the original is refused with what replaces it", (name, replacement) => {
    const refusal = refusalOf({ [name]: 10 });
    expect(refusal).toContain(`redisExecutor.${name}`);
    expect(refusal).toContain(replacement);
    expect(refusal).toContain("one multiplexed connection");
  });

  test("an unknown one is refused by name", () => {
    expect(refusalOf({ dialTimeout: 5 })).toContain("dialTimeout");
    expect(refusalOf({ sentinels: { name: "m", nodes: [{ host: "h" }], extra: 1 } })).toContain("extra");
  });

  test.each([
    ["linkBuckets", 0],
    ["linkBuckets", 16_385],
    ["linkBuckets", 1.5],
    ["commandTimeoutMs", 9],
    ["connectTimeoutMs", 60_001],
    ["healthCheckIntervalMs", 99],
    ["ownedTtlMs", 0],
    ["overloadScore", 101],
    ["maxWaitingOperations", 0],
    ["maxScriptsOnWire", 4097],
    ["db", -1],
    ["prefix", "a{b}"],
    ["prefix", ""],
  ])("%s: %j is out of its range", (name, value) => {
    expect(refusalOf({ [name]: value })).toContain(`redisExecutor.${name}`);
  });
});

describe("where Redis is", () => {
  test.each<[RedisExecutorOptions, object]>([
    [{}, { host: "localhost", port: 6379, db: 0 }],
    [{ url: "redis://r.example:7000/3" }, { host: "r.example", port: 7000, db: 3 }],
    [{ url: "redis://ann:p%40ss@r" }, { host: "r", username: "ann", password: "p@ss" }],
    [
      { url: "redis://r", username: "ann", password: "pw", db: 2 },
      { username: "ann", password: "pw", db: 2 },
    ],
    [{ url: "redis://[::1]:7000" }, { host: "::1", port: 7000 }],
    [{ url: "rediss://r" }, { host: "r", tls: {} }],
    [{ url: "rediss://r", tls: { servername: "x" } }, { tls: { servername: "x" } }],
    [{ url: "redis://r", tls: true }, { tls: {} }],
    [{ url: "unix:///tmp/r.sock?db=4" }, { path: "/tmp/r.sock", db: 4 }],
    [{ url: "redis://r", password: () => "asked" }, { password: "asked" }],
  ])("%j", (options, expected) => {
    expect(singleOptions(parseRedisOptions(options))).toMatchObject(expected);
  });

  test("Sentinels: their own login, TLS as the servers' unless said otherwise", () => {
    const nodes = [{ host: "s1" }, { host: "s2", port: 1 }];
    const plain = sentinelOptions(parseRedisOptions({ sentinels: { name: "m", nodes, username: "u", password: "p" } }));
    expect(plain).toMatchObject({
      name: "m",
      sentinels: [
        { host: "s1", port: 26_379 },
        { host: "s2", port: 1 },
      ],
      sentinelUsername: "u",
      sentinelPassword: "p",
      enableTLSForSentinelMode: false,
    });
    expect(plain).not.toHaveProperty("sentinelTLS");
    const secured = sentinelOptions(parseRedisOptions({ sentinels: { name: "m", nodes }, tls: true }));
    expect(secured).toMatchObject({ sentinelTLS: {}, tls: {}, enableTLSForSentinelMode: true });
    const mixed = sentinelOptions(parseRedisOptions({ sentinels: { name: "m", nodes, tls: false }, tls: true }));
    expect(mixed).not.toHaveProperty("sentinelTLS");
  });

  test("a Cluster: names stay names where certificates need them, addresses are mapped", () => {
    const natMap = { "10.0.0.1:6379": { host: "outside", port: 7000 } };
    const options = clusterOptions(
      parseRedisOptions({ cluster: { nodes: [{ host: "c" }], natMap }, tls: true }),
      undefined,
    );
    expect(options).toMatchObject({ natMap, redisOptions: { tls: {} } });
    options.dnsLookup?.("c.example", (error, address) => expect([error, address]).toEqual([null, "c.example"]));
    expect(clusterOptions(parseRedisOptions({ cluster: { nodes: [{ host: "c" }] } }), undefined)).not.toHaveProperty(
      "dnsLookup",
    );
  });

  test.each<[object, RegExp]>([
    [{ url: "redis://a", cluster: { nodes: [{ host: "b" }] } }, /url and cluster: only one/],
    [{ sentinels: { name: "m", nodes: [] } }, /sentinels\.nodes/],
    [{ cluster: { nodes: [{ host: "c", port: 70_000 }] } }, /cluster\.nodes\.0\.port/],
    [{ cluster: { nodes: [{ host: "c" }] }, db: 1 }, /only database 0/],
    [{ url: "http://r" }, /must be redis:\/\//],
    [{ url: "not a url" }, /must be redis:\/\//],
    [{ url: "redis://:pw@r", password: "pw2" }, /say it once/],
    [{ url: "redis://r/1", db: 2 }, /say it once/],
    [{ url: "redis://r/one" }, /must be a number/],
    [{ url: "rediss://r", tls: false }, /contradicts/],
    [{ url: "redis://r?family=6" }, /parameters that are not known/],
    [{ client: {} }, /must be a client of ioredis/],
    [{ tls: "yes" }, /tls/],
  ])("%j is refused", (options, rule) => {
    expect(refusalOf(options)).toMatch(rule);
  });

  test("no password is ever in a refusal", () => {
    for (const options of [
      { url: "http://:s3cret@r" },
      { url: "redis://:s3cret@r", password: "s3cret2" },
      { url: "redis://:s3cret@r/one" },
      { url: "redis://:s3cret@r?x=1" },
      { url: "redis://:s3cret@r", password: 5, linkBuckets: 0 },
      { password: ["s3cret"] },
      { sentinels: { name: "m", nodes: [], password: "s3cret" } },
      { sentinels: { name: "m", nodes: [{ host: "h" }], password: ["s3cret"] } },
    ])
      expect(refusalOf(options)).not.toContain("s3cret");
  });
});

test("each trap of ioredis has its answer in the options", () => {
  const settings = parseRedisOptions({ cluster: { nodes: [{ host: "c" }] } });
  expect(commonOptions(settings)).toMatchObject({
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    commandTimeout: 1500,
    socketTimeout: 2000,
    connectTimeout: 1000,
    keepAlive: 5000,
    enableReadyCheck: true,
    autoResubscribe: false,
    enableAutoPipelining: false,
    disableClientInfo: true,
  });
  const cluster = clusterOptions(settings, undefined);
  expect(cluster).toMatchObject({
    enableOfflineQueue: false,
    scaleReads: "master",
    maxRedirections: 8,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: 2000,
    slotsRefreshInterval: 10_000,
    enableAutoPipelining: false,
  });
  expect(cluster.redisOptions).not.toHaveProperty("enableOfflineQueue");
  expect(sentinelOptions(settings)).toMatchObject({ failoverDetector: true, role: "master" });
  expect(sentinelOptions(settings).sentinelRetryStrategy?.(1000)).toBeLessThanOrEqual(500);
});

test("waits between tries have full jitter, from 50 ms to 2 s", () => {
  const waits = (times: number): number[] => Array.from({ length: 500 }, () => retryDelayMs(times));
  for (const times of [1, 2, 5, 100]) {
    expect(Math.min(...waits(times))).toBeGreaterThanOrEqual(50);
    expect(Math.max(...waits(times))).toBeLessThanOrEqual(2000);
  }
  expect(Math.max(...waits(1))).toBeLessThan(150);
  expect(Math.max(...waits(50)) - Math.min(...waits(50))).toBeGreaterThan(1500);
});
