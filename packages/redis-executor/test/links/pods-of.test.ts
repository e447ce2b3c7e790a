import { defer, linkKey, RouteError } from "@podlink/types";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hashSlotOf } from "../../src/connection/hash-slot.ts";
import { PodsCaller } from "../../src/links/callers.ts";
import type { LinkLane } from "../../src/links/lanes.ts";
import { PendingReads } from "../../src/links/pending-reads.ts";
import type { TurnWait } from "../../src/links/turn-wait.ts";
import type { LinksOnRedis } from "./links-on-redis.ts";
import { LINK_BUCKETS, linksOnRedis, PREFIX } from "./links-on-redis.ts";
import { plainConnection } from "./plain-connection.ts";

const uids = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);
const keyOf = (uid: string) => linkKey(PREFIX, "prod", uid, LINK_BUCKETS);
const set = (uid: string, podIndex: number) =>
  ({
    kind: "set",
    namespace: "prod",
    service: "room",
    uid,
    owner: { podIndex },
    lifetime: { ttlMs: 60_000 },
  }) as const;

let on: LinksOnRedis;
beforeEach(async () => {
  on = await linksOnRedis();
});
afterEach(() => on.close());

const podsOf = (asked: readonly string[], call = {}) =>
  on.links.podsOf("prod", "room", asked, { timeoutMs: 20_000, ...call });
const sizes = () => on.tap.calls.map(({ keys }) => keys.length);

/** Makes links of these uids, and forgets the calls. */
async function linked(asked: readonly string[]): Promise<Map<number, string[]>> {
  await on.links.executeAll(
    asked.map((uid) => set(uid, 1)),
    { timeoutMs: 20_000 },
  );
  on.tap.calls.length = 0;
  return new Map([[1, [...asked]]]);
}

/** The next calls, this many, fail like this. */
function failCalls(count: number, error: () => RouteError): void {
  let left = count;
  on.tap.before = () => {
    left -= 1;
    if (left >= 0) throw error();
  };
}
const refused = () => new RouteError("STORE_UNAVAILABLE", "its slot is being moved", { outcome: "not-applied" });
const lost = () => new RouteError("TIMEOUT", "no answer in time", { outcome: "unknown" });

test("the first reads of a long list leave while the others are made, 128 in a call", async () => {
  const all = await linked(uids(2000));
  const answer = podsOf(uids(2000));
  expect(sizes()).toEqual([128, 128, 128, 128]);
  expect(await answer).toEqual(all);
  expect(sizes().reduce((sum, size) => sum + size)).toBe(2000);
  expect(Math.max(...sizes())).toBe(128);
  expect(on.links.read()).toMatchObject({ linkOperations: 2 * 2000, linksWaiting: 0, linkScriptsOnWire: 0 });
});

test("few of several callers travel together", async () => {
  await linked(uids(40));
  const answers = await Promise.all([podsOf(uids(20)), podsOf(uids(40).slice(20)), podsOf(["nobody"])]);
  expect(sizes()).toEqual([32, 9]);
  expect(answers).toEqual([new Map([[1, uids(20)]]), new Map([[1, uids(40).slice(20)]]), new Map()]);
});

test("in a Cluster a call carries those of one slot, as many as may", async () => {
  const { connection, tap, clock } = plainConnection(on.server.url);
  const cluster = { ...connection, kind: "cluster", groupOf: hashSlotOf } as const;
  await using sliced = await linksOnRedis({ connection: cluster, clock });
  const answer = sliced.links.podsOf("prod", "room", uids(6000), { timeoutMs: 20_000 });
  await new Promise<void>((resolve) => process.nextTick(resolve));
  expect(tap.calls.length).toBeLessThanOrEqual(2 * LINK_BUCKETS);
  for (const { keys } of tap.calls) expect(new Set(keys.map(hashSlotOf)).size).toBe(1);
  expect(await answer).toEqual(new Map());
  expect(tap.calls.flatMap(({ keys }) => keys)).toHaveLength(6000);
  expect(sliced.links.read()["brokenValues"], "nobody is no broken value").toBe(0);
  await connection.close();
});

test.each([
  ["refused", refused],
  ["lost", lost],
])("reads whose call is %s are made again, and each is answered", async (_, error) => {
  const all = await linked(uids(500));
  failCalls(3, error);
  expect(await podsOf(uids(500))).toEqual(all);
  expect(on.links.read()["linkRepeats"]).toBeGreaterThan(0);
  expect(on.links.read()).toMatchObject({ linksWaiting: 0, linkScriptsOnWire: 0 });
});

test("of keys that are between two nodes each is read alone", async () => {
  const all = await linked(uids(40));
  on.tap.areKeysApart = true;
  failCalls(2, refused);
  expect(await podsOf(uids(40))).toEqual(all);
  expect(sizes().slice(0, 2)).toEqual([32, 8]);
  expect(sizes().slice(2)).toEqual(uids(40).map(() => 1));
});

test("they end with their deadline, answered or not, sent again or not", async () => {
  for (const fail of [() => failCalls(Infinity, refused), () => (on.tap.before = () => new Promise(() => undefined))]) {
    fail();
    const error: unknown = await podsOf(uids(500), { timeoutMs: 50 }).catch((caught: unknown) => caught);
    expect(RouteError.is(error) && error.code).toMatch(/TIMEOUT|STORE_UNAVAILABLE/);
  }
});

test("cancelled while they are made, on the wire or between two tries, all are", async () => {
  const cancelled = { code: "CANCELLED" };
  const aborts = Array.from({ length: 3 }, () => new AbortController());
  const early = podsOf(uids(2000), { signal: aborts[0]?.signal });
  aborts[0]?.abort();
  await expect(early).rejects.toMatchObject(cancelled);
  expect(on.tap.calls.flatMap(({ keys }) => keys).length).toBeLessThan(2000);

  const gate = defer<void>();
  on.tap.before = () => gate.promise;
  const onWire = podsOf(uids(500), { signal: aborts[1]?.signal });
  await new Promise((resolve) => setImmediate(resolve));
  aborts[1]?.abort();
  await expect(onWire).rejects.toMatchObject(cancelled);
  gate.resolve();

  failCalls(Infinity, lost);
  const again = podsOf(uids(500), { signal: aborts[2]?.signal });
  const repeats = Number(on.links.read()["linkRepeats"]);
  await expect.poll(() => on.links.read()["linkRepeats"]).toBeGreaterThan(repeats);
  aborts[2]?.abort();
  await expect(again).rejects.toMatchObject(cancelled);
  await expect.poll(() => on.links.read()).toMatchObject({ linksWaiting: 0, linkScriptsOnWire: 0 });
});

test("those beyond the operations that may wait are refused, the others are read", async () => {
  await using few = await linksOnRedis({ maxWaitingOperations: 100, maxScriptsOnWire: 1 });
  few.tap.before = () => new Promise((resolve) => setImmediate(resolve));
  const sent = few.links.execute(set("sent", 1));
  await new Promise<void>((resolve) => process.nextTick(resolve));
  await expect(few.links.podsOf("prod", "room", uids(130))).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    outcome: "not-applied",
  });
  const left = { linksWaiting: 0, linkScriptsOnWire: 0 };
  expect(few.links.read(), "who asks again finds nothing of the last time in the queue").toMatchObject({
    ...left,
    linksRefusedForLimits: 30,
    linkOperations: 1 + 100,
  });
  await sent;
});

test("what nobody may touch refuses the whole, and is counted; what is broken is no link, and is counted", async () => {
  await linked(uids(100));
  await on.redis.hset(keyOf("u7"), "room", "1|no record");
  await on.redis.hset(keyOf("u8"), "room", "1|0\n|no record of one line");
  expect((await podsOf([...uids(100), "nobody"])).get(1)).toEqual(
    uids(100).filter((uid) => uid !== "u7" && uid !== "u8"),
  );
  expect(on.links.read()).toMatchObject({ brokenValues: 2, corruptValues: 0 });
  await on.redis.hset(keyOf("u9"), "room", "2|newer");
  await on.redis.set(keyOf("u10"), "of another type");
  await expect(podsOf(uids(100))).rejects.toMatchObject({ code: "CORRUPT" });
  await expect(podsOf(uids(10))).rejects.toMatchObject({ code: "CORRUPT" });
  expect(on.links.read()["corruptValues"]).toBe(3);
});

test("reads that were told of their deadline are not answered once more: others of the list are waited for", async () => {
  const caller = new PodsCaller(["a", "b", "c"]);
  const part = { lane: { namespace: "prod", service: "room" } as LinkLane, caller, group: 0 };
  const wait = { leave: () => undefined } as TurnWait;
  const [late, other] = [[0, 1], [2]].map(
    (positions) => new PendingReads({ ...part, wait, positions, keys: positions.map((at) => `k${at}`) }),
  );
  late?.settle({ error: lost() });
  late?.answered(() => 1);
  let isOver = false;
  const byPod = caller.byPod(undefined).finally(() => (isOver = true));
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  other?.answered(() => 1);
  await expect(byPod).rejects.toMatchObject({ code: "TIMEOUT" });
});

test("when the store is closed, what waits is told so", async () => {
  const busy = await linksOnRedis({ maxScriptsOnWire: 1 });
  const closed = defer<void>();
  busy.tap.before = () => closed.promise;
  const answer = busy.links.podsOf("prod", "room", uids(1000));
  await new Promise<void>((resolve) => process.nextTick(resolve));
  busy.links.close();
  closed.reject(new RouteError("CLOSED", "the connection is closed", { outcome: "unknown" }));
  await expect(answer).rejects.toMatchObject({ code: "CLOSED" });
  expect(busy.links.read()["linksWaiting"]).toBe(0);
  await expect(busy.links.podsOf("prod", "room", [])).rejects.toMatchObject({ code: "CLOSED" });
  await busy.close();
});
