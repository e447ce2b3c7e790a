import type { LinkOp } from "@podlink/types";
import { linkKey } from "@podlink/types";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseStoredLink } from "../../src/links/stored-link.ts";
import type { LinksOnRedis } from "./links-on-redis.ts";
import { LINK_BUCKETS, linksOnRedis, PREFIX } from "./links-on-redis.ts";

let on: LinksOnRedis;
beforeAll(async () => {
  on = await linksOnRedis();
});
afterAll(() => on.close());

let uids = 0;
const link = () => {
  const uid = `u${(uids += 1)}`;
  return { key: { namespace: "prod", service: "room", uid }, redisKey: linkKey(PREFIX, "prod", uid, LINK_BUCKETS) };
};

const FAR = (Date.now() + 3_600_000).toString(36);
const TOKEN = (Date.now() * 1000).toString(36);
const good = { pod: "1", incarnation: "5", token: TOKEN, at: FAR, kind: "o", opId: "abc", opKind: "c" };
const record = (changes: Partial<typeof good> = {}, format = "1"): string =>
  [format, ...Object.values({ ...good, ...changes })].join("|");

/** Values of our format that can't be links. */
const broken = {
  "": "",
  "no parts": "hello",
  "a number without parts": "2",
  "other numbers": "1|1|5|1.5e3|99|o|abc|c",
  "JSON of another language": '{"podIndex":1,"token":7}',
  "a missing part": record().slice(0, -2),
  "a token of 2^53": record({ token: (2 ** 53).toString(36) }),
  "a token beyond every integer": record({ token: "z".repeat(40) }),
  "an incarnation of 2^53": record({ incarnation: (2 ** 53).toString(36) }),
  "a pod above 65535": record({ pod: "1ekg" }),
  "a negative pod": record({ pod: "-1" }),
  capitals: record({ token: TOKEN.toUpperCase() }),
  "an expiry beyond every time": record({ at: "z".repeat(13) }),
  "an owned link of nobody": record({ incarnation: "0" }),
  "a reservation with an incarnation": record({ kind: "r" }),
  "an unknown link kind": record({ kind: "x" }),
  "an unknown operation kind": record({ opKind: "x" }),
  "an operation id that is too long": record({ opId: "elevenchars" }),
  "something behind the last part": `${record()}x`,
  "format 0": record({}, "0"),
  "format 01": record({}, "01"),
  huge: `1|${"1".repeat(1_000_000)}|5`,
  "NUL and newlines": "1|1|5|\0\n\r|99|o|abc|c",
};

test.each(Object.entries(broken))(
  "fault 56: a broken value counts as absent for every operation: %s",
  async (_, value) => {
    const owner = { podIndex: 2 };
    const lifetime = { ttlMs: 60_000 };
    const cases: readonly [op: (key: ReturnType<typeof link>["key"]) => LinkOp, answer: unknown][] = [
      [(key) => ({ kind: "get", ...key }), undefined],
      [(key) => ({ kind: "set", ...key, owner, lifetime }), { link: { podIndex: 2 } }],
      [(key) => ({ kind: "trySet", ...key, owner, lifetime }), { acquired: true }],
      [(key) => ({ kind: "setIfAbsent", ...key, owner, lifetime }), { created: true }],
      [(key) => ({ kind: "replace", ...key, owner, lifetime, expectedToken: "7" }), { replaced: true }],
      [(key) => ({ kind: "renew", ...key, expected: {}, lifetime }), { renewed: false }],
      [(key) => ({ kind: "remove", ...key, graceMs: 0 }), { removed: false }],
    ];
    for (const [make, answer] of cases) {
      const { key, redisKey } = link();
      await on.redis.hset(redisKey, key.service, value);
      const before = on.links.read()["brokenValues"] ?? 0;
      const result = await on.links.execute(make(key));
      if (answer === undefined) expect(result).toBeUndefined();
      else expect(result).toMatchObject(answer as object);
      expect(result ?? {}).not.toHaveProperty("previous");
      expect(on.links.read()["brokenValues"]).toBe(before + 1);
    }
  },
);

const untouched = { "format 2": record({}, "2"), "format 10, of other parts": "10|what|ever" };
const mutations: readonly Omit<Exclude<LinkOp, { kind: "get" }>, "namespace" | "service" | "uid">[] = [
  { kind: "set", owner: { podIndex: 2 }, lifetime: "persistent" },
  { kind: "trySet", owner: { podIndex: 2 }, lifetime: "persistent" },
  { kind: "setIfAbsent", owner: { podIndex: 2 }, lifetime: "persistent" },
  { kind: "replace", owner: { podIndex: 2 }, lifetime: "persistent", expectedToken: "7" },
  { kind: "renew", expected: {}, lifetime: "persistent" },
  { kind: "remove", graceMs: 0 },
] as never;

test.each(Object.entries(untouched))(
  "fault 56: a newer format is CORRUPT for every operation, and stays: %s",
  async (_, value) => {
    for (const op of [{ kind: "get" }, ...mutations]) {
      const { key, redisKey } = link();
      const other = link().key;
      await on.redis.hset(redisKey, key.service, value);
      const [answer, neighbour] = await on.links.executeAll([
        { ...op, ...key } as LinkOp,
        { kind: "set", ...other, owner: { podIndex: 3 }, lifetime: "persistent" },
      ]);
      expect(answer).toMatchObject({ error: { code: "CORRUPT", retryable: false, outcome: "not-applied" } });
      expect(neighbour, "spoils only its own answer").toMatchObject({ value: { link: { podIndex: 3 } } });
      expect(await on.redis.hgetall(redisKey)).toEqual({ [key.service]: value });
      await expect(on.links.servicesOf("prod", key.uid)).rejects.toMatchObject({ code: "CORRUPT" });
    }
  },
);

test("fault 56: another Redis type is CORRUPT for every operation, and stays", async () => {
  for (const op of [{ kind: "get" }, ...mutations]) {
    const { key, redisKey } = link();
    await on.redis.set(redisKey, "a string");
    await expect(on.links.execute({ ...op, ...key } as LinkOp)).rejects.toMatchObject({ code: "CORRUPT" });
    await expect(on.links.servicesOf("prod", key.uid)).rejects.toMatchObject({ code: "CORRUPT" });
    expect(await on.redis.get(redisKey)).toBe("a string");
  }
});

test("what can't be touched is logged at most once a minute, without the uid, and counted", async () => {
  await using own = await linksOnRedis();
  for (let round = 0; round < 3; round += 1) {
    const { key, redisKey } = link();
    await own.redis.hset(redisKey, key.service, record({}, "2"));
    await expect(own.links.execute({ kind: "get", ...key })).rejects.toMatchObject({ code: "CORRUPT" });
  }
  expect(own.logger.entries).toHaveLength(1);
  expect(JSON.stringify(own.logger.entries)).not.toMatch(/u\d+/);
  expect(own.links.read()["corruptValues"]).toBe(3);
});

test("unknown trailing parts are ignored", async () => {
  const { key, redisKey } = link();
  await on.redis.hset(redisKey, key.service, `${record()}|more|and\nmore`);
  expect(await on.links.execute({ kind: "get", ...key })).toMatchObject({ podIndex: 1, incarnation: 5 });
  const owner = { podIndex: 2 };
  expect(await on.links.execute({ kind: "set", ...key, owner, lifetime: "persistent" })).toMatchObject({
    link: { podIndex: 2 },
    previous: { podIndex: 1, incarnation: 5, kind: "owned" },
  });
});

test("the highest token there is can't grow: CORRUPT, and stays", async () => {
  const { key, redisKey } = link();
  const value = record({ token: (2 ** 53 - 1).toString(36) });
  await on.redis.hset(redisKey, key.service, value);
  for (const kind of ["set", "setIfAbsent"] as const) {
    const op = { kind, ...key, owner: { podIndex: 1, incarnation: 6 }, lifetime: "persistent" } as const;
    await expect(on.links.execute(op)).rejects.toMatchObject({ code: "CORRUPT" });
  }
  expect(await on.redis.hget(redisKey, key.service)).toBe(value);
});

test("a token more than a day ahead is not taken for the highest seen, and counted", async () => {
  const { key, redisKey } = link();
  await on.redis.hset(redisKey, key.service, record({ token: (Date.now() * 1000 + 90_000_000_000).toString(36) }));
  await on.links.execute({ kind: "get", ...key });
  expect(on.links.read()["tokensIgnored"]).toBe(1);
  const result = await on.links.execute({ kind: "set", ...link().key, owner: { podIndex: 1 }, lifetime: "persistent" });
  expect(Number("link" in result && result.link.token) / 1000).toBeLessThan(Date.now() + 1000);
});

/** As much as a link can say. */
const largest = {
  "pod 65535": record({ pod: (65_535).toString(36) }),
  "the highest incarnation": record({ incarnation: (2 ** 53 - 1).toString(36) }),
  "the highest token": record({ token: (2 ** 53 - 1).toString(36) }),
  "the latest expiry": record({ at: (2 ** 54).toString(36) }),
  "the longest operation id": record({ opId: "tencharact" }),
};

test.each(Object.entries(largest))("%s is not broken", async (_, value) => {
  const { key, redisKey } = link();
  await on.redis.hset(redisKey, key.service, value);
  const other = { kind: "trySet", ...key, owner: { podIndex: 2 }, lifetime: "persistent" } as const;
  expect(await on.links.execute(other)).toMatchObject({ acquired: false, link: { kind: "owned" } });
  expect(await on.redis.hget(redisKey, key.service)).toBe(value);
});

const part = fc.oneof(
  fc.constantFrom(...Object.values(good), "0", "r", "R", "g", "1", "2", "", "|", "zzzzzzzzzzz", "1ekf", FAR),
  fc.string({ maxLength: 12 }),
);
const values = fc.oneof(
  fc.tuple(part, part, part, part, part, part, part, part).map((parts) => parts.join("|")),
  fc
    .tuple(fc.nat({ max: record().length }), fc.string({ maxLength: 3 }), fc.nat({ max: 3 }))
    .map(([at, text, gone]) => record().slice(0, at) + text + record().slice(at + gone)),
  fc.dictionary(fc.constantFrom(...Object.keys(good)), part).map((changes) => record(changes)),
);

test("the script and the reader here read every value alike", async () => {
  const property = fc.asyncProperty(values, async (value) => {
    const { key, redisKey } = link();
    await on.redis.hset(redisKey, key.service, value);
    // Removing what has token 0 touches nothing, and answers with what the script read.
    const [read, met] = await on.links.executeAll<LinkOp>([
      { kind: "get", ...key },
      { kind: "remove", ...key, graceMs: 0, expected: { token: "0" } },
    ]);
    if (parseStoredLink(value) === "newer") {
      expect([read, met]).toMatchObject([{ error: { code: "CORRUPT" } }, { error: { code: "CORRUPT" } }]);
      return;
    }
    const seen = read as { readonly value: { readonly token: string; readonly expiresInMs?: number } | undefined };
    if (seen.value?.token === "0") return; // was removed
    const { removed, link: found } = (met as { readonly value: { removed: boolean; link?: object } }).value;
    expect(removed).toBe(false);
    const lasting = (one: object | undefined) => one && { ...one, expiresInMs: undefined };
    expect(lasting(found)).toEqual(lasting(seen.value));
  });
  const examples = Object.values(largest).map((value) => [value] as [string]);
  await fc.assert(property, { numRuns: 1500, examples });
});
