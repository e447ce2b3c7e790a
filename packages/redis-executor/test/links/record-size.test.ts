import { linkKey } from "@podlink/types";
import { expect, test } from "vitest";
import { LINK_BUCKETS, linksOnRedis, PREFIX } from "./links-on-redis.ts";

test("the longest record there can be has at most 64 bytes: Redis keeps it in its compact encoding", async () => {
  await using on = await linksOnRedis({ ownedTtlMs: Number.MAX_SAFE_INTEGER });
  const key = { namespace: "prod", service: "room", uid: "alice" };
  const redisKey = linkKey(PREFIX, "prod", "alice", LINK_BUCKETS);
  const highest = Number.MAX_SAFE_INTEGER;
  await on.redis.hset(redisKey, "room", `1|0|0|${(highest - 1).toString(36)}|1|r|a|c`);
  const owner = { podIndex: 65_535, incarnation: highest };
  const result = await on.links.execute({ kind: "set", ...key, owner, lifetime: "persistent", opId: "zzzzzzzzzz" });
  expect(result).toMatchObject({ link: { podIndex: 65_535, incarnation: highest, token: String(highest) } });
  const value = (await on.redis.hget(redisKey, "room")) ?? "";
  expect(value).toMatch(/^1\|1ekf\|2gosa7pa2gv\|2gosa7pa2gv\|[0-9a-z]{11,13}\|o\|zzzzzzzzzz\|s$/);
  expect(value.length).toBeLessThanOrEqual(64);
  expect(await on.redis.object("ENCODING", redisKey)).toBe("listpack");
  expect(await on.links.execute({ kind: "get", ...key })).toMatchObject({ token: String(highest) });
});
