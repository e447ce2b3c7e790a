import { startRedis } from "@podlink/testkit/redis";
import type { LinkOp } from "@podlink/types";
import { expect, test } from "vitest";
import { RedisExecutor } from "../../src/index.ts";
import { linksOnRedis } from "./links-on-redis.ts";

const at = (uid: string) => ({ namespace: "prod", service: "room", uid });
const owner = { podIndex: 1, incarnation: 5 };

test("fault 26: a full Redis refuses what names an owner, whole; reading, removing and renewing go on", async () => {
  await using on = await linksOnRedis();
  const uids = ["a", "b", "c", "d"];
  for (const uid of uids) await on.links.execute({ kind: "set", ...at(uid), owner, lifetime: "persistent" });
  await on.links.execute({ kind: "set", ...at("reserved"), owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } });
  await on.server.config("maxmemory", 1);

  const refused: LinkOp[] = [
    { kind: "setIfAbsent", ...at("new"), owner: { podIndex: 1 }, lifetime: { ttlMs: 1000 } },
    { kind: "set", ...at("new2"), owner: { podIndex: 1 }, lifetime: { ttlMs: 1000 } },
    { kind: "set", ...at("a"), owner: { podIndex: 2 }, lifetime: { ttlMs: 1000 } },
    { kind: "trySet", ...at("new3"), owner, lifetime: "persistent" },
    { kind: "replace", ...at("new4"), owner, lifetime: "persistent", expectedToken: "7" },
    { kind: "setIfAbsent", ...at("reserved"), owner, lifetime: "persistent" },
    { kind: "setIfAbsent", ...at("reserved"), owner: { podIndex: 2 }, lifetime: { ttlMs: 90_000 }, renew: true },
  ];
  for (const answer of await on.links.executeAll(refused)) {
    expect(answer).toMatchObject({
      error: {
        code: "STORE_UNAVAILABLE",
        outcome: "not-applied",
        message: expect.stringContaining("memory") as string,
      },
    });
  }
  expect(await on.redis.dbsize(), "not even a key without an expiry").toBe(5);

  expect(await on.links.execute({ kind: "get", ...at("a") })).toMatchObject({ podIndex: 1, incarnation: 5 });
  expect((await on.links.servicesOf("prod", "a")).size).toBe(1);
  const claimed = await on.links.execute({ kind: "setIfAbsent", ...at("a"), owner, lifetime: "persistent" });
  expect(claimed, "what needs no write is answered").toMatchObject({ created: false });
  expect(
    await on.links.execute({ kind: "renew", ...at("a"), expected: { podIndex: 1 }, lifetime: "persistent" }),
  ).toMatchObject({ renewed: true });
  expect(await on.links.execute({ kind: "remove", ...at("b"), graceMs: 5000 })).toEqual({ removed: true });
  expect(await on.links.execute({ kind: "get", ...at("b") })).toMatchObject({ kind: "goodbye" });
  expect(await on.links.execute({ kind: "remove", ...at("c"), graceMs: 0 })).toEqual({ removed: true });
  await on.server.config("maxmemory", 0);
  expect(await on.links.execute(refused[0] as LinkOp)).toMatchObject({ created: true });
});

test("a full Redis answers what changes nothing: an expiry that is not later, a lifetime that is there already", async () => {
  const nowMs = Date.now() + 3_600_000;
  await using on = await linksOnRedis({ nowMs: () => nowMs });
  const reserved = { ...at("reserved"), owner: { podIndex: 1 } };
  const lasting = { ...at("lasting"), owner: { podIndex: 1 } };
  await on.links.execute({ kind: "set", ...reserved, lifetime: { ttlMs: 60_000 } });
  await on.links.execute({ kind: "set", ...lasting, lifetime: "persistent" });
  await on.links.execute({ kind: "set", ...at("owned"), owner, lifetime: "persistent" });
  await on.server.config("maxmemory", 1);
  for (const ttlMs of [1000, 60_000]) {
    const claim = { kind: "setIfAbsent", ...reserved, lifetime: { ttlMs } } as const;
    expect(await on.links.execute(claim)).toMatchObject({ created: false, link: { expiresInMs: 60_000 } });
  }
  for (const lifetime of ["persistent", { ttlMs: 1000 }] as const)
    expect(await on.links.execute({ kind: "setIfAbsent", ...lasting, lifetime })).toMatchObject({ created: false });
  const again = on.links.execute({ kind: "trySet", ...at("owned"), owner, lifetime: "persistent" });
  expect(await again).toMatchObject({ acquired: true, link: { podIndex: 1, incarnation: 5 } });
  await on.server.config("maxmemory", 0);
});

test("too few replicas: writes are refused, nothing is changed, renewals too", async () => {
  await using on = await linksOnRedis();
  await on.links.execute({ kind: "set", ...at("a"), owner, lifetime: "persistent" });
  await on.server.config("min-replicas-to-write", 1);
  const set = on.links.execute({ kind: "set", ...at("a"), owner: { podIndex: 2 }, lifetime: "persistent" });
  await expect(set).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
  await on.server.config("min-replicas-to-write", 0);
  expect(await on.links.execute({ kind: "get", ...at("a") })).toMatchObject({ podIndex: 1 });
});

test("what is refused until its caller's wait is over says why, not as if nobody had answered", async () => {
  await using server = await startRedis();
  await using store = new RedisExecutor({ url: server.url });
  await store.execute({ kind: "set", ...at("a"), owner, lifetime: "persistent" });
  await server.config("min-replicas-to-write", 1);
  const renew = { kind: "renew", ...at("a"), expected: { podIndex: 1 }, lifetime: "persistent" } as const;
  const renewal = store.execute(renew, { timeoutMs: 300 });
  await expect(renewal).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    outcome: "not-applied",
    message: expect.stringContaining("NOREPLICAS") as string,
    cause: expect.objectContaining({ code: "STORE_UNAVAILABLE" }) as unknown,
  });
});

test("a server that is a replica now refuses the whole call, so that its client looks for the primary", async () => {
  await using on = await linksOnRedis();
  await on.redis.replicaof("127.0.0.1", 1);
  const claim = on.links.execute({ kind: "setIfAbsent", ...at("a"), owner, lifetime: "persistent" });
  await expect(claim).rejects.toThrow(/READONLY /);
});
