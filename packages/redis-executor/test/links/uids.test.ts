import { linkKey } from "@podlink/types";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LINK_BUCKETS, linksOnRedis, PREFIX } from "./links-on-redis.ts";

const odd = [
  "{",
  "}",
  "{}",
  "a}b",
  "a/b",
  "a%7Db",
  "a%2Fb",
  ":",
  "*",
  "?",
  "[a]",
  " ",
  "%",
  "%%",
  "%25",
  "…",
  "é",
  "🙂",
  "\u{10ffff}",
  "NOSCRIPT",
  "NOSCRIPT No matching script",
  "READONLY ",
  "MOVED 1 127.0.0.1:1",
  "__proto__",
  "constructor",
  "toString",
  "-1",
  "0",
  "1|1|0|1|zzz|o|a|c",
  "'; FLUSHALL",
  "]] .. error() --",
  "$(x)",
  "x".repeat(256),
  "é".repeat(128),
  "self-test",
];
const refused = [
  "",
  ".",
  "..",
  "a\0b",
  "a\nb",
  "a\r\nb",
  "\u007f",
  "\ud800",
  "\udc00x",
  "x".repeat(257),
  "y".repeat(1_000_000),
];

test("fault 57: whatever a uid says, it has a link of its own", async () => {
  await using on = await linksOnRedis();
  const op = (uid: string) => ({ kind: "get", namespace: "prod", service: "room", uid }) as const;
  const set = odd.map(
    (uid, podIndex) => ({ ...op(uid), kind: "set", owner: { podIndex }, lifetime: { ttlMs: 60_000 } }) as const,
  );
  const made = await on.links.executeAll(set);
  expect(made.filter((answer) => "error" in answer)).toEqual([]);
  const read = await on.links.executeAll(odd.map(op));
  expect(read.map((answer) => "value" in answer && [answer.value?.uid, answer.value?.podIndex])).toEqual(
    odd.map((uid, podIndex) => [uid, podIndex]),
  );
  expect(await on.redis.dbsize()).toBe(odd.length);
  for (const [podIndex, uid] of odd.entries()) {
    expect((await on.links.servicesOf("prod", uid)).get("room")).toMatchObject({ uid, podIndex });
  }
});

test.each(refused)("fault 57: refused before anything is sent: %j", async (uid) => {
  await using on = await linksOnRedis();
  const error: unknown = await on.links
    .execute({ kind: "get", namespace: "prod", service: "room", uid })
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-applied" });
  expect((error as Error).message.length).toBeLessThan(250);
  expect((error as Error).message).not.toMatch(/\p{Cc}/u);
  expect(on.tap.calls).toEqual([]);
});

test("fault 15: no two uids share a key, and none leaves its namespace's hash tags", () => {
  const keyOf = (uid: string) => linkKey(PREFIX, "prod", uid, LINK_BUCKETS);
  const text = fc.oneof(fc.string({ unit: "binary", minLength: 1 }), fc.constantFrom(...odd));
  const property = fc.property(text, text, (one, other) => {
    expect(keyOf(one) === keyOf(other)).toBe(one === other);
    expect(keyOf(one)).toMatch(/^pl:\{prod\/\d+\}[A-Za-z0-9._%-]*$/);
  });
  fc.assert(property, { numRuns: 2000 });
});
