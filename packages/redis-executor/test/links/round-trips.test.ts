import type { Link, LinkOp } from "@podlink/types";
import { startRedis } from "@podlink/testkit/redis";
import { linkKey } from "@podlink/types";
import { expect, test } from "vitest";
import { RedisExecutor } from "../../src/index.ts";
import { LINK_BUCKETS, linksOnRedis, PREFIX } from "./links-on-redis.ts";

const at = (uid: string) => ({ namespace: "prod", service: "room", uid });
const create = (uid: string, podIndex = 1) =>
  ({ kind: "setIfAbsent", ...at(uid), owner: { podIndex }, lifetime: { ttlMs: 60_000 } }) as const;
const keyOf = (uid: string) => linkKey(PREFIX, "prod", uid, LINK_BUCKETS);
const uids = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);

const NOBODY = { kind: "get", ...at("nobody") } as const;

test.each<[string, readonly LinkOp[], object]>([
  ["alone", [create("second")], {}],
  ["among others", [create("second"), NOBODY], { hget: 1 }],
])("a new link is one round trip, and four commands in Redis: %s", async (_, ops, others) => {
  await using server = await startRedis();
  const store = new RedisExecutor({ url: server.url });
  await store.executeAll([create("first"), NOBODY]); // connects, checks the namespace, loads the scripts
  await store.execute(create("first, alone"));
  await server.cli("CONFIG", "RESETSTAT");
  await store.executeAll(ops);
  const calls = Object.entries(await server.info("commandstats")).map(([name, stats]) => [
    name.replace("cmdstat_", ""),
    Number(/calls=(\d+)/.exec(stats)?.[1]),
  ]);
  expect(Object.fromEntries(calls.filter(([name]) => name !== "info" && name !== "config|resetstat"))).toEqual({
    evalsha: 1,
    time: 1,
    hsetnx: 1,
    pexpireat: 1,
    ...others,
  });
  await store.close();
});

test("a script that Redis has forgotten is loaded again, and the operation carried out once", async () => {
  await using server = await startRedis();
  const store = new RedisExecutor({ url: server.url });
  await store.execute(create("alice"));
  for (let round = 0; round < 5; round += 1) {
    await server.cli("SCRIPT", "FLUSH");
    const results = await Promise.all(uids(100).map((uid) => store.execute(create(`${round}-${uid}`))));
    expect(results.every((result) => "created" in result && result.created && !("repeated" in result))).toBe(true);
  }
  await store.close();
});

test.each<[string, (uid: string, position: number) => LinkOp]>([
  ["creations on a hundred pods", (uid, position) => create(uid, position % 100)],
  ["reads", (uid) => ({ kind: "get", ...at(uid) })],
  [
    "reads and creations",
    (uid, position) => (position % 2 === 0 ? { kind: "get", ...at(uid) } : create(uid, position % 7)),
  ],
  [
    "operations of every kind",
    (uid, position) =>
      [
        create(uid),
        { kind: "get", ...at(uid) } as const,
        { kind: "remove", ...at(uid), graceMs: 0 } as const,
        { kind: "renew", ...at(uid), expected: { token: "7" }, lifetime: "persistent" } as const,
        { kind: "set", ...at(uid), owner: { podIndex: 1, incarnation: 5 }, lifetime: "persistent" } as const,
      ][position % 5] as LinkOp,
  ],
])("128 asked for in one turn, %s, are at most 4 script calls that leave together", async (_, make) => {
  await using on = await linksOnRedis();
  const asked = uids(128).map((uid, position) => on.links.execute(make(uid, position)));
  await new Promise((resolve) => process.nextTick(resolve));
  expect(on.tap.calls.length, "before any reply can have come").toBeLessThanOrEqual(4);
  expect(on.tap.calls.flatMap(({ keys }) => keys)).toHaveLength(128);
  await Promise.all(asked);
  expect(on.tap.calls.length).toBeLessThanOrEqual(4);
});

test("the more calls are on the wire, the less the operations of a turn are split", async () => {
  await using on = await linksOnRedis();
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  on.tap.before = () => gate;
  const asked: Promise<unknown>[] = [];
  const sizes: number[][] = [];
  for (const [round, count] of [64, 64, 256].entries()) {
    const known = on.tap.calls.length;
    asked.push(...uids(count).map((uid) => on.links.execute(create(`${round}-${uid}`))));
    await new Promise((resolve) => process.nextTick(resolve));
    sizes.push(on.tap.calls.slice(known).map(({ keys }) => keys.length));
  }
  go();
  await Promise.all(asked);
  expect(sizes).toEqual([
    [32, 32],
    [32, 32],
    [128, 128],
  ]);
});

test("what is asked for after a reply, in the same turn, travels together too", async () => {
  await using on = await linksOnRedis();
  const twice = async (uid: string) => {
    await on.links.execute(create(uid));
    return on.links.execute({ kind: "get", ...at(uid) });
  };
  const links = await Promise.all(uids(32).map(twice));
  expect(links.every((link) => link?.podIndex === 1)).toBe(true);
  expect(on.tap.calls.map(({ keys }) => keys.length)).toEqual([32, 32]);
});

test("what a run of operations shares travels once", async () => {
  await using on = await linksOnRedis();
  await on.links.executeAll(uids(32).map((uid, position) => ({ ...create(uid, position), kind: "set" }) as const));
  // Moment, least token, time to keep; kind, count and the six that are shared; then one pod each.
  expect(on.tap.calls.map(({ args }) => args.length)).toEqual([3 + 8 + 32]);
});

test("new links alone travel with even less: five arguments and their pods", async () => {
  await using on = await linksOnRedis();
  await on.links.executeAll(uids(32).map((uid, position) => create(uid, position)));
  await on.links.execute(create("alone"));
  await on.links.execute({ ...create("renewing"), renew: true });
  expect(on.tap.calls.map(({ script, args }) => [script, args.length])).toEqual([
    ["createLinks", 5 + 32],
    ["createLinks", 5 + 1],
    ["createLinks", 5 + 1 + 1],
  ]);
});

test.each<[string, readonly LinkOp[]]>([
  ["createLinks", []],
  ["linkOps", [NOBODY]],
])(
  "in a run of new links in %s, what is there already and what is there of another service are answered in their places",
  async (script, others) => {
    await using on = await linksOnRedis();
    await on.links.executeAll([create("u3", 9), create("u4", 9)]);
    await on.links.executeAll(["u0", "u5", "u7"].map((uid) => ({ ...create(uid), service: "other" })));
    await on.redis.set(keyOf("u6"), "text");
    const answers = await on.links.executeAll([...uids(8).map((uid, position) => create(uid, position)), ...others]);
    expect(on.tap.calls.at(-1)).toMatchObject({ script, keys: { length: 8 + others.length } });
    const there = (position: number) => position === 3 || position === 4;
    expect(answers.slice(0, 8)).toEqual(
      uids(8).map((uid, position) =>
        position === 6
          ? { error: expect.objectContaining({ code: "CORRUPT" }) as object }
          : {
              value: {
                created: !there(position),
                link: expect.objectContaining({ uid, podIndex: there(position) ? 9 : position }) as object,
              },
            },
      ),
    );
    expect(await on.links.execute({ kind: "get", ...at("u7") })).toMatchObject({ service: "room", podIndex: 7 });
  },
);

test("the record that createLinks writes is the one of linkOps, whatever is asked for", async () => {
  const nowMs = Date.now() + 3_600_000;
  await using on = await linksOnRedis({ nowMs: () => nowMs });
  const owners: readonly [LinkOp & { kind: "setIfAbsent" }, string][] = [
    [create("a", 35), "r"],
    [{ ...create("b", 0), renew: true }, "r"],
    [{ ...create("c", 65_535), lifetime: "persistent" }, "R"],
    [{ ...create("d"), owner: { podIndex: 36, incarnation: 2 ** 40 }, lifetime: "persistent" }, "o"],
  ];
  for (const [op, kind] of owners) {
    const opId = `id${op.uid}`;
    const { link } = (await on.links.execute({ ...op, opId })) as { readonly link: Link };
    await on.links.executeAll([
      { ...op, uid: `${op.uid}2`, opId },
      { kind: "get", ...at("nobody") },
    ]);
    expect(on.tap.calls.slice(-2).map(({ script }) => script)).toEqual(["createLinks", "linkOps"]);
    const [one, other] = await Promise.all([op.uid, `${op.uid}2`].map((uid) => on.redis.hget(keyOf(uid), "room")));
    const parts = (record: string | null | undefined) => record?.split("|").filter((_, part) => part !== 3);
    expect(parts(one), "all but the token").toEqual(parts(other));
    expect(Number.parseInt(one?.split("|")[3] ?? "", 36), "the token that the caller is told").toBe(Number(link.token));
    expect(one?.split("|").slice(5)).toEqual([kind, opId, "c"]);
    const ends = await Promise.all([op.uid, `${op.uid}2`].map((uid) => on.redis.pexpiretime(keyOf(uid))));
    expect(ends).toEqual([Number.parseInt(one?.split("|")[4] ?? "", 36), ends[0]]);
  }
});

test.each<[string, (uid: string) => LinkOp]>([
  ["setIfAbsent", (uid) => create(uid)],
  ["set", (uid) => ({ ...create(uid), kind: "set" })],
  ["trySet", (uid) => ({ ...create(uid), kind: "trySet" })],
  ["replace", (uid) => ({ ...create(uid), kind: "replace", expectedToken: "7" })],
  ["remove", (uid) => ({ kind: "remove", ...at(uid), graceMs: 0 })],
])("the answers to a run of %s that all went as asked are one mark", async (kind, make) => {
  await using on = await linksOnRedis();
  if (kind === "remove") await on.links.executeAll(uids(32).map((uid) => create(uid)));
  await on.links.executeAll(uids(32).map(make));
  const mark = kind === "setIfAbsent" ? expect.any(Number) : [expect.any(Number), 0, "*"];
  expect(on.tap.replies.at(-1)).toEqual(mark);
  await on.links.executeAll([make("alone")]);
  expect(on.tap.replies.at(-1), "of one as well").toEqual(kind === "remove" ? [expect.any(Number), 0, "0"] : mark);
});

const get = (uid: string) => ({ kind: "get", ...at(uid) }) as const;

test("what a run of reads found is one answer, a line each", async () => {
  await using on = await linksOnRedis();
  await on.links.executeAll(uids(2).map((uid) => create(uid)));
  const answers = await on.links.executeAll([get("u0"), get("nobody"), get("u1")]);
  expect(answers).toMatchObject([{ value: { uid: "u0" } }, { value: undefined }, { value: { uid: "u1" } }]);
  expect((on.tap.replies.at(-1) as string[]).slice(2)).toEqual([expect.stringMatching(/^=1\|[^\n]+\n0\n1\|[^\n]+$/)]);
});

test.each<[string, (value: string) => string | undefined, object, number]>([
  ["is taken for none", () => "0", { value: undefined }, 1],
  ["has lines", (value) => `${value}|more\n\nof it`, { value: { uid: "odd", podIndex: 1 } }, 0],
  ["has lines where none may be", (value) => value.replace("|", "\n|"), { value: undefined }, 1],
  ["is of another type", () => undefined, { error: { code: "CORRUPT" } }, 0],
])("a value that %s spoils no other answer of its run", async (_, change, odd, broken) => {
  await using on = await linksOnRedis();
  await on.links.executeAll(["u0", "odd", "u1"].map((uid) => create(uid)));
  const changed = change((await on.redis.hget(keyOf("odd"), "room")) ?? "");
  if (changed === undefined) await on.redis.set(keyOf("odd"), "text");
  else await on.redis.hset(keyOf("odd"), "room", changed);
  const answers = await on.links.executeAll([get("u0"), get("odd"), get("nobody"), get("u1")]);
  expect(answers).toMatchObject([{ value: { uid: "u0" } }, odd, { value: undefined }, { value: { uid: "u1" } }]);
  expect(on.links.read()["brokenValues"]).toBe(broken);
});

test("a script carries at most 128 operations, and 10,000 go in one call", async () => {
  await using on = await linksOnRedis();
  const answers = await on.links.executeAll(
    uids(10_000).map((uid) => create(uid)),
    { timeoutMs: 10_000 },
  );
  expect(answers.filter((answer) => !("value" in answer))).toEqual([]);
  expect(Math.max(...on.tap.calls.map(({ keys }) => keys.length))).toBe(128);
  expect(on.tap.calls.length).toBeLessThanOrEqual(80);
});

test("the first batches of a long list leave while the others are made", async () => {
  await using on = await linksOnRedis();
  const answers = on.links.executeAll(uids(2000).map(get));
  expect(on.tap.calls.map(({ keys }) => keys.length)).toEqual([128, 128, 128, 128]);
  expect(await answers).toHaveLength(2000);
  expect(on.tap.calls.flatMap(({ keys }) => keys)).toHaveLength(2000);
});

test("a list that was cancelled before it began is not sent, however long", async () => {
  await using on = await linksOnRedis();
  const answers = await on.links.executeAll(uids(2000).map(get), { signal: AbortSignal.abort() });
  expect(answers.every((answer) => "error" in answer && answer.error.code === "CANCELLED")).toBe(true);
  expect(on.tap.calls).toEqual([]);
});

test("one that is cancelled while it is made is answered whole", async () => {
  await using on = await linksOnRedis();
  const abort = new AbortController();
  const answers = on.links.executeAll(uids(2000).map(get), { signal: abort.signal });
  abort.abort();
  expect((await answers).every((answer) => "error" in answer && answer.error.code === "CANCELLED")).toBe(true);
  expect(on.links.read()).toMatchObject({ linksWaiting: 0 });
});

test("a call is told to be alone while nothing else is on the wire, or leaves with it", async () => {
  await using on = await linksOnRedis();
  await on.links.execute(create("alone"));
  const turns = await Promise.all(uids(64).map((uid) => on.links.execute(create(uid))));
  expect(turns).toHaveLength(64);
  const first = on.links.execute(create("first"));
  await new Promise((resolve) => process.nextTick(resolve));
  const second = on.links.execute(create("second"));
  await Promise.all([first, second]);
  expect(on.tap.calls.map(({ isAlone }) => isAlone)).toEqual([true, false, false, true, false]);
});
