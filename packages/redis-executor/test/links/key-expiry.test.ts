import { linkKey } from "@podlink/types";
import { expect, onTestFinished, test } from "vitest";
import { LINK_BUCKETS, linksOnRedis, PREFIX } from "./links-on-redis.ts";

const HOUR_MS = 3_600_000;
const KEY = linkKey(PREFIX, "prod", "alice", LINK_BUCKETS);
const NEWER = "2|whatever";

async function alice() {
  const clock = { nowMs: Date.now() + HOUR_MS };
  const on = await linksOnRedis({ nowMs: () => clock.nowMs, ownedTtlMs: 1_000_000 });
  onTestFinished(() => on.close());
  const at = (service: string) => ({ namespace: "prod", service, uid: "alice" });
  return {
    on,
    clock,
    endsIn: async () => (await on.redis.pexpiretime(KEY)) - clock.nowMs,
    fields: async () => (await on.redis.hkeys(KEY)).toSorted(),
    set: (service: string, ttlMs: number) =>
      on.links.execute({ kind: "set", ...at(service), owner: { podIndex: 1 }, lifetime: { ttlMs } }),
    own: (service: string) =>
      on.links.execute({ kind: "set", ...at(service), owner: { podIndex: 1, incarnation: 5 }, lifetime: "persistent" }),
    remove: (service: string, graceMs: number) => on.links.execute({ kind: "remove", ...at(service), graceMs }),
    renew: (service: string, ttlMs: number) =>
      on.links.execute({ kind: "renew", ...at(service), expected: {}, lifetime: { ttlMs } }),
  };
}

test("a key ends with the link that lasts longest: a longer one only moves it forward", async () => {
  const { set, own, renew, endsIn } = await alice();
  await set("a", 5000);
  expect(await endsIn()).toBe(5000);
  await set("b", 3000);
  expect(await endsIn()).toBe(5000);
  await renew("b", 9000);
  expect(await endsIn()).toBe(9000);
  await own("c");
  expect(await endsIn()).toBe(1_000_000);
});

test("a link that ends sooner than before lets the key end with the longest of all, without the expired", async () => {
  const { on, clock, set, own, remove, endsIn, fields } = await alice();
  await set("expired", 100);
  await set("short", 4000);
  await own("own");
  clock.nowMs += 100;
  expect(await remove("own", 500)).toEqual({ removed: true });
  expect(await endsIn()).toBe(3900);
  expect(await fields()).toEqual(["own", "short"]);
  await set("short", 200);
  expect(await endsIn()).toBe(500);
  await remove("own", 0);
  expect(await endsIn()).toBe(200);
  await remove("short", 0);
  expect(await on.redis.exists(KEY)).toBe(0);
});

test("a key with a field of a newer format is never shortened, and keeps that field", async () => {
  const { on, clock, own, remove, endsIn, fields } = await alice();
  await on.redis.hset(KEY, "newer", NEWER);
  await on.redis.pexpireat(KEY, clock.nowMs + 800_000);
  await own("own");
  await remove("own", 500);
  expect(await endsIn()).toBe(1_000_000);
  await remove("own", 0);
  expect(await endsIn()).toBe(1_000_000);
  expect(await fields()).toEqual(["newer"]);
});

test("every key has an expiry, whatever made it", async () => {
  const { on, set, renew, remove, own } = await alice();
  const ends: (() => Promise<unknown>)[] = [
    () => set("a", 5000),
    () => renew("a", 9000),
    () => own("a"),
    () => remove("a", 700),
    () => on.links.execute({ kind: "setIfAbsent", ...nobody, owner: { podIndex: 1 }, lifetime: { ttlMs: 1 } }),
  ];
  const nobody = { namespace: "prod", service: "room", uid: "bob" };
  for (const change of ends) {
    await change();
    for (const key of await on.redis.keys("*")) expect(await on.redis.pexpiretime(key)).toBeGreaterThan(0);
  }
});

test("the 129th service of a uid is refused and leaves nothing; where some are expired it takes their place", async () => {
  const { on, clock, set, fields } = await alice();
  for (let service = 0; service < 128; service += 1) await set(`s${service}`, service < 3 ? 100 : 60_000);
  await expect(set("one-more", 60_000)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    outcome: "not-applied",
    message: expect.stringContaining("128") as string,
  });
  const create = { kind: "setIfAbsent", namespace: "prod", service: "one-more", uid: "alice" } as const;
  await expect(
    on.links.execute({ ...create, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } }),
  ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await fields()).toHaveLength(128);
  expect(await set("s5", 60_000), "one that is there already").toMatchObject({ previous: {} });
  clock.nowMs += 100;
  expect(await set("one-more", 60_000)).toMatchObject({ link: { service: "one-more" } });
  expect(await fields()).toHaveLength(126);
});

/** More fields than a uid can have services. */
const CROWD = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`other-${at}`, "of somebody else"]));

test("a key with more fields than we ever write is somebody else's too: never shortened, nothing of it dropped", async () => {
  const { on, set, own, remove, endsIn, fields } = await alice();
  await own("own");
  await on.redis.hset(KEY, CROWD);
  await remove("own", 500);
  expect(await endsIn()).toBe(1_000_000);
  expect(await fields()).toHaveLength(201);
  expect(await set("own", 2_000_000), "it has its field already").toMatchObject({ previous: { kind: "goodbye" } });
  expect(await endsIn()).toBe(2_000_000);
  expect(await remove("own", 0)).toEqual({ removed: true });
  expect(await fields()).toEqual(Object.keys(CROWD).toSorted());
});

test("a key that somebody took the expiry from gets one with the next link, however many fields it has", async () => {
  const { on, set, endsIn } = await alice();
  await on.redis.hset(KEY, CROWD);
  expect(await set("own", 5000)).toMatchObject({ link: { podIndex: 1 } });
  expect(await endsIn()).toBe(5000);
});

test("a broken field doesn't outlast the next time that a key is shortened", async () => {
  const { on, own, remove, endsIn, fields } = await alice();
  await own("own");
  await on.redis.hset(KEY, "broken", "hello");
  await remove("own", 500);
  expect(await endsIn()).toBe(500);
  expect(await fields()).toEqual(["own"]);
});

test("a new link only moves the end of its key forward, and looks through the others only where there is no room", async () => {
  const { on, clock, set, endsIn, fields } = await alice();
  for (let service = 0; service < 126; service += 1) await set(`s${service}`, service === 0 ? 100 : 60_000);
  await on.redis.pexpireat(KEY, clock.nowMs + 2_000_000);
  clock.nowMs += 100;
  for (const service of ["number-127", "number-128"]) {
    await set(service, 3000);
    expect(await endsIn()).toBe(2_000_000 - 100);
  }
  expect(await fields()).toHaveLength(128);
  for (const ttlMs of [70_000, 70_000]) {
    await set("s5", ttlMs);
    expect(await fields(), "it had its field").toHaveLength(128);
    expect(await endsIn()).toBe(2_000_000 - 100);
  }
});

test("all links of a uid are read while its key has no more fields than 128", async () => {
  const { on, set } = await alice();
  for (let service = 0; service < 128; service += 1) await set(`s${service}`, 60_000);
  expect((await on.links.servicesOf("prod", "alice")).size).toBe(128);
  await on.redis.hset(KEY, "of-somebody-else", "");
  await expect(on.links.servicesOf("prod", "alice")).rejects.toMatchObject({ code: "CORRUPT" });
});

test("renewing and claiming what lasts longer already write nothing", async () => {
  const { on, set, renew } = await alice();
  await set("a", 60_000);
  await on.redis.config("RESETSTAT");
  expect(await renew("a", 1000)).toMatchObject({ renewed: true, link: { expiresInMs: 60_000 } });
  expect(await on.server.info("commandstats")).not.toHaveProperty("cmdstat_hset");
});
