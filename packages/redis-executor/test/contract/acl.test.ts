import { storeContract } from "@podlink/testkit/contract";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { executorHarness } from "../support/executor-harness.ts";
import { commands, permissionsOf } from "../support/permissions.ts";

const PREFIX = "pl";
const NAMESPACES = ["prod", "staging"] as const;

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
  const keys = NAMESPACES.flatMap((namespace) => permissionsOf(PREFIX, namespace));
  await redis.acl("app", "on", ">pw", ...keys, "-@all", ...commands);
  await redis.acl("default", "off");
  await redis.cli("ACL", "LOG", "RESET");
});
afterAll(async () => redis.end());

storeContract("redis, least permissions", async () =>
  executorHarness({
    options: { url: `redis://127.0.0.1:${redis.port}`, username: "app", password: "pw", prefix: PREFIX },
    servers: [redis],
    namespaces: NAMESPACES,
  }),
);

test("nothing was refused: ACL LOG is empty", async () => {
  expect(await redis.aclLog()).toEqual([]);
});
