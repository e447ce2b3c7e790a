import { bucketOf, DEFAULTS, defer, silentLogger } from "@podlink/types";
import { startRedis } from "@podlink/testkit/redis";
import { expect, onTestFinished, test } from "vitest";
import { hashSlotOf } from "../../src/connection/hash-slot.ts";
import { CrowdedSlots } from "../../src/links/crowded-slots.ts";
import type { PendingOp } from "../../src/links/pending-op.ts";
import { RedisLinks } from "../../src/links/redis-links.ts";
import { batchesOf } from "../../src/links/runs.ts";
import { plainConnection } from "./plain-connection.ts";

const BUCKETS = 64;
const CROWD = 16;

const turn = () => new Promise<void>((resolve) => process.nextTick(resolve));

/** Links as in a Cluster, by slots, whose calls wait at a gate. */
async function gatedLinks() {
  const server = await startRedis();
  const { connection, tap, clock } = plainConnection(server.url);
  const all = defer<void>();
  const gates: (() => void)[] = [];
  tap.before = () => {
    const gate = defer<void>();
    gates.push(gate.resolve);
    return Promise.race([gate.promise, all.promise]);
  };
  const links = new RedisLinks({
    connection: { ...connection, kind: "cluster", groupOf: hashSlotOf },
    clock,
    logger: silentLogger,
    prefix: "pl",
    linkBuckets: BUCKETS,
    ownedTtlMs: DEFAULTS.ownedTtlMs,
    maxWaitingOperations: 65_536,
    maxScriptsOnWire: 256,
  });
  onTestFinished(async () => {
    links.close();
    await connection.close();
    await server.end();
  });
  let asked = 0;
  /** Makes a link of a new uid in this bucket, in a turn of its own. */
  const create = async (bucket: number): Promise<{ readonly uid: string; readonly answer: Promise<unknown> }> => {
    let uid = "";
    do uid = `u${(asked += 1)}`;
    while (bucketOf(uid, BUCKETS) !== bucket);
    const name = { namespace: "prod", service: "room", uid };
    const answer = links.execute({ kind: "setIfAbsent", ...name, owner: { podIndex: 1 }, lifetime: { ttlMs: 60_000 } });
    answer.catch(() => undefined);
    await turn();
    return { uid, answer };
  };
  const sizes = (from = 0): number[] => tap.calls.slice(from).map(({ keys }) => keys.length);
  /** Lets the call that was sent as this one through. */
  const openOne = (index: number): void => gates[index]?.();
  return { links, create, open: all.resolve, openOne, sizes, calls: tap.calls };
}

const answersOf = (asked: readonly { readonly answer: Promise<unknown> }[]) =>
  Promise.all(asked.map(({ answer }) => answer));

test("with little on the wire nothing waits, whatever its slot", async () => {
  const { create, open, sizes } = await gatedLinks();
  const asked = [];
  for (let count = 0; count < CROWD; count += 1) asked.push(await create(3));
  expect(sizes()).toEqual(Array.from({ length: CROWD }, () => 1));
  open();
  for (const result of await answersOf(asked)) expect(result).toMatchObject({ created: true });
});

test("with much on the wire, what finds a call of its slot there travels together once that is answered", async () => {
  const { create, open, sizes } = await gatedLinks();
  const asked = [];
  for (let bucket = 0; bucket < CROWD; bucket += 1) asked.push(await create(bucket));
  for (const bucket of [5, 5, 5, 6]) asked.push(await create(bucket));
  expect(sizes(CROWD), "they wait").toEqual([]);
  asked.push(await create(CROWD));
  expect(sizes(CROWD), "a slot that has none there does not").toEqual([1]);
  open();
  for (const result of await answersOf(asked)) expect(result).toMatchObject({ created: true });
  expect(sizes(CROWD + 1).toSorted((a, b) => a - b)).toEqual([1, 3]);
});

test("what waits is not overtaken by what comes later, though little is on the wire by then", async () => {
  const { create, open, openOne, sizes, calls } = await gatedLinks();
  const [first, second] = [await create(5), await create(5)];
  const others = [];
  for (let bucket = 10; bucket < 10 + CROWD - 2; bucket += 1) others.push(await create(bucket));
  const waiting = [await create(5)];
  for (let index = 2; index < CROWD; index += 1) openOne(index);
  await answersOf(others);
  waiting.push(await create(5));
  openOne(0);
  await first.answer;
  waiting.push(await create(5));
  await turn();
  expect(sizes(CROWD), "a call of the slot is on the wire").toEqual([]);
  openOne(1);
  await second.answer;
  open();
  await answersOf(waiting);
  expect(sizes(CROWD)).toEqual([waiting.length]);
  expect(calls[CROWD]?.keys.map((key) => waiting.findIndex(({ uid }) => key.endsWith(uid)))).toEqual([0, 1, 2]);
});

const read = (isAlone: boolean) => ({ group: 1, op: { kind: "get" }, isAlone }) as unknown as PendingOp;

/** @returns lets it leave again */
function send(slots: CrowdedSlots, pending: PendingOp): () => void {
  const [batch] = batchesOf([pending], 0);
  if (batch === undefined) throw new Error("no batch");
  slots.sent(batch);
  return () => slots.left(batch);
}

test("a try that takes nothing along waits for nothing, and nothing for it", () => {
  const [first, alone, other, late] = [read(false), read(true), read(false), read(false)];
  const slots = new CrowdedSlots();
  const firstLeaves = send(slots, first);
  expect(slots.next([other, alone], CROWD)).toEqual([alone]);
  const aloneLeaves = send(slots, alone);
  expect([slots.next([], 0), slots.hasFreed]).toEqual([[], false]);
  firstLeaves();
  expect(slots.hasFreed).toBe(true);
  expect(slots.next([late], CROWD), "what has waited goes first").toEqual([other, late]);
  aloneLeaves();
  expect([slots.hasFreed, slots.close()]).toEqual([false, []]);
});

test("however many wait, they go on", () => {
  const slots = new CrowdedSlots();
  const leaves = send(slots, read(false));
  slots.next(
    Array.from({ length: 300_000 }, () => read(false)),
    CROWD,
  );
  leaves();
  expect(slots.next([], CROWD)).toHaveLength(300_000);
});

test("who waits for a slot when the store is closed is told so", async () => {
  const { links, create } = await gatedLinks();
  for (let bucket = 0; bucket < CROWD; bucket += 1) await create(bucket);
  const { answer } = await create(5);
  links.close();
  await expect(answer).rejects.toMatchObject({ code: "CLOSED", outcome: "not-applied" });
  expect(links.read()["linksWaiting"]).toBe(0);
});

test("many operations of one turn are a call for each slot, not four", async () => {
  const { links, open, sizes } = await gatedLinks();
  const ops = Array.from(
    { length: 6000 },
    (_, index) => ({ kind: "get", namespace: "prod", service: "room", uid: `u${index}` }) as const,
  );
  const answers = links.executeAll(ops, { timeoutMs: 20_000 });
  await turn();
  expect(sizes().length).toBe(BUCKETS);
  open();
  expect((await answers).every((answer) => "value" in answer)).toBe(true);
});
