import { recordingLogger } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis, startSentinels } from "@podlink/testkit/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findingsOf, parseInfo, ServerFindings } from "../../src/connection/server-info.ts";
import { failureOf, openConnection } from "../support/connections.ts";

const codesOf = (info: Record<string, string>): string[] => findingsOf(info).map(({ code }) => code);
const fine = {
  redis_version: "7.0.15",
  maxmemory_policy: "noeviction",
  connected_slaves: "0",
  role: "master",
  aof_enabled: "1",
};

describe("what is found at a server", () => {
  test.each([
    ["nothing at one that keeps what it is told", fine, []],
    ["that its user may not ask", {}, ["PODLINK_REDIS_PERMISSION"]],
    ["that it evicts", { ...fine, maxmemory_policy: "allkeys-lru" }, ["PODLINK_REDIS_EVICTION"]],
    ["that a failover may lose much", { ...fine, connected_slaves: "1" }, ["PODLINK_REDIS_REPLICAS"]],
    ["nothing with min-replicas", { ...fine, connected_slaves: "1", min_slaves_good_slaves: "1" }, []],
    ["that nothing is kept", { ...fine, aof_enabled: "0" }, ["PODLINK_REDIS_DURABILITY"]],
    [
      "that it is too old",
      { ...fine, redis_version: "6.2.14", maxmemory_policy: "allkeys-lru" },
      ["PODLINK_REDIS_VERSION"],
    ],
    ["nothing at a later one", { ...fine, redis_version: "10.0.0" }, []],
    ["that its version is none", { ...fine, redis_version: "unstable" }, ["PODLINK_REDIS_VERSION"]],
  ])("%s", (_, info, codes) => {
    expect(codesOf(info)).toEqual(codes);
  });

  test("is told once, the fatal as an error, and what was mended is forgotten", () => {
    const logger = recordingLogger();
    const findings = new ServerFindings(logger);
    for (let times = 0; times < 3; times += 1) findings.meet({ ...fine, redis_version: "6.0.0" }, "a");
    expect(findings.refusal).toMatchObject({ code: "CONFIG", outcome: "not-applied" });
    expect(findings.refusal?.message).toMatch(/Redis 6\.0\.0 is too old: podlink needs 7\.0 or later/);
    expect(logger.of("error")).toHaveLength(1);
    findings.meet(fine, "a");
    expect(findings.refusal).toBeUndefined();
  });

  test("values with colons survive", () => {
    expect(parseInfo("# Server\r\nexecutable:/a:b\r\nrun_id:f00\r\n")).toEqual({ executable: "/a:b", run_id: "f00" });
  });
});

describe("at start", () => {
  let redis: RedisServer;
  beforeAll(async () => void (redis = await startRedis({ config: { "maxmemory-policy": "allkeys-lru" } })));
  afterAll(() => redis.end());

  test("fault 17: an eviction policy that drops links is warned of, with its code", async () => {
    const { connection, logger } = openConnection({ url: redis.url });
    await connection.whenReady(20_000);
    const warning = logger.of("warn").find(({ fields }) => fields["code"] === "PODLINK_REDIS_EVICTION");
    expect(warning?.message).toContain("allkeys-lru");
    await redis.cli("CLIENT", "KILL", "TYPE", "normal");
    await new Promise((resolve) => setTimeout(resolve, 200));
    await connection.whenReady(20_000);
    expect(logger.of("warn").filter(({ fields }) => fields["code"] === "PODLINK_REDIS_EVICTION")).toHaveLength(1);
  });

  test("a primary without min-replicas is warned of, and one that lacks them is typed", async () => {
    const watched = await startSentinels();
    const { connection, logger } = openConnection({ sentinels: { name: watched.name, nodes: watched.addresses } });
    await connection.whenReady(20_000);
    expect(logger.of("warn").map(({ fields }) => fields["code"])).toContain("PODLINK_REDIS_REPLICAS");
    const primary = await watched.primary();
    await primary.config("min-replicas-to-write", 2);
    const { error } = await failureOf(() => connection.command("k", "SET", "v"));
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
    expect(error.message).toContain("NOREPLICAS");
    expect(connection.health()).toEqual({ healthy: true });
    await connection.close();
    await watched.end();
  });
});
