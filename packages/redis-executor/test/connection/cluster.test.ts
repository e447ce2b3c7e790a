import { setTimeout } from "node:timers/promises";
import type { RedisCluster } from "@podlink/testkit/redis";
import { startCluster } from "@podlink/testkit/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashSlotOf } from "../../src/connection/hash-slot.ts";
import { eventually, failureOf, increment, openConnection, script } from "../support/connections.ts";

let cluster: RedisCluster;
beforeAll(
  async () =>
    void (cluster = await startCluster({ masters: 3, server: { config: { "cluster-require-full-coverage": "no" } } })),
);
afterAll(() => cluster.end());

const options = (): { cluster: { nodes: { host: string; port: number }[] } } => ({
  cluster: { nodes: cluster.addresses.map(({ host, port }) => ({ host, port })) },
});

/** Keys of as many slots, spread over all nodes. */
const spread = (name: string, count = 30): string[] => Array.from({ length: count }, (_, index) => `{${name}${index}}`);

test("keys of a slot are a group, as Redis counts it", async () => {
  const { connection } = openConnection(options());
  for (const key of spread("group", 10)) {
    expect(connection.groupOf(key)).toBe(await cluster.slotOf(key));
    expect(connection.groupOf(`${key}:more`)).toBe(connection.groupOf(key));
  }
});

test("scripts reach the node of their keys; each node learns a script by itself", async () => {
  const { connection } = openConnection(options());
  await connection.whenReady(20_000);
  const answers = await Promise.all(spread("reach").map((key) => connection.run(increment, [key, `${key}2`], [])));
  expect(new Set(answers)).toEqual(new Set([1]));
});

test("the first calls wait until the nodes are connected, and none is lost", async () => {
  const { connection } = openConnection(options());
  const answers = await Promise.all(spread("first").map((key) => connection.run(increment, [key], [])));
  expect(new Set(answers)).toEqual(new Set([1]));
});

test("a slot that moves under load loses no call and doubles none", async () => {
  const { connection, events } = openConnection({ ...options(), commandTimeoutMs: 2000 });
  await connection.whenReady(20_000);
  const key = "{moving}";
  const from = await cluster.nodeOf(key);
  const to = cluster.nodes.find((node) => node !== from) ?? from;
  let isDone = false;
  let count = 0;
  const load = Array.from({ length: 8 }, async () => {
    while (!isDone) {
      await connection.run(increment, [key], []);
      count += 1;
    }
  });
  await setTimeout(50);
  await cluster.moveSlot(hashSlotOf(key), to);
  await setTimeout(50);
  isDone = true;
  await Promise.all(load);
  const answering = await cluster.nodeOf(key);
  expect(answering).toBe(to);
  expect(await answering.cli("GET", key)).toBe(String(count));
  expect(count).toBeGreaterThan(20);
  await eventually("noticed", () => events.some(({ kind }) => kind === "epoch"));
});

test("while a slot is between two nodes, keys that are on both are refused as not applied", async () => {
  const { connection } = openConnection(options());
  await connection.whenReady(20_000);
  const slot = hashSlotOf("{half}");
  const from = await cluster.nodeOf(slot);
  const to = cluster.nodes.find((node) => node !== from) ?? from;
  await connection.run(increment, ["{half}there"], []);
  const move = await cluster.beginMove(slot, to);
  const two = script("two", `redis.call("INCR", KEYS[1]) return redis.call("INCR", KEYS[2])`);
  const { error, tookMs } = await failureOf(() => connection.run(two, ["{half}there", "{half}new"], []));
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
  expect(tookMs).toBeLessThan(1500);
  await move.finish();
  await eventually("an answer", async () => (await connection.run(two, ["{half}there", "{half}new"], [])) === 1);
  expect(await to.cli("GET", "{half}there")).toBe("2");
});

describe("a node that dies", () => {
  test("only its slots fail, typed and in time; it is back when it is, as another life", async () => {
    const { connection } = openConnection({ ...options(), commandTimeoutMs: 200 });
    await connection.whenReady(20_000);
    const [victim] = cluster.nodes;
    const keys = spread("dies");
    const owners = await Promise.all(keys.map((key) => cluster.nodeOf(key)));
    const lost = keys.filter((_, index) => owners[index] === victim);
    const others = keys.filter((_, index) => owners[index] !== victim);
    expect(Math.min(lost.length, others.length)).toBeGreaterThan(0);
    await Promise.all(keys.map((key) => connection.run(increment, [key], [])));
    const epoch = connection.epoch();
    await victim?.kill9();
    await eventually("unhealthy", () => !connection.health().healthy);
    // Several connections end with a node, one after another: what was written to one that had not yet may have run.
    await eventually("the end is noticed by the connection that commands take", async () => {
      const { error } = await failureOf(() => connection.run(increment, [lost[0]!], []));
      return error.outcome === "not-applied";
    });
    for (let rounds = 0; rounds < 3; rounds += 1) {
      const failures = await Promise.all(lost.map((key) => failureOf(() => connection.run(increment, [key], []))));
      for (const { error, tookMs } of failures) {
        expect(error.code).toBe("STORE_UNAVAILABLE");
        expect(error.outcome).toBe("not-applied");
        expect(tookMs).toBeLessThan(1500);
      }
      await Promise.all(others.map((key) => connection.run(increment, [key], [])));
    }
    await victim?.restart();
    await eventually(
      "its slots answer",
      () => Promise.all(lost.map((key) => connection.run(increment, [key], []))),
      15_000,
    );
    await eventually("healthy", () => connection.health().healthy);
    expect(connection.epoch()).toBe(epoch + 1);
  });

  test("the one that is listened to: a gap, and messages from another node", async () => {
    const { connection } = openConnection(options());
    await connection.whenReady(20_000);
    const heard: string[] = [];
    const { effective } = connection.subscribe(
      "cluster-news",
      (message) => void heard.push(message),
      () => void heard.push("gap"),
    );
    await effective;
    const listened = await findAsync(
      cluster.nodes,
      async (node) => String(await node.cli("PUBSUB", "CHANNELS")) !== "",
    );
    await listened?.kill9();
    await eventually("a gap", () => heard.includes("gap"));
    const publisher = cluster.nodes.find((node) => node !== listened);
    // Again and again: on a busy machine another change of the Cluster may make another gap.
    await eventually("heard", async () => {
      await publisher?.cli("PUBLISH", "cluster-news", "m");
      return heard.includes("m");
    });
    await listened?.restart();
    await cluster.whenOk();
  });
});

test("all nodes down: calls settle in time; all up: it returns by itself", async () => {
  const { connection } = openConnection({ ...options(), commandTimeoutMs: 200 });
  await connection.whenReady(20_000);
  await Promise.all(cluster.nodes.map((node) => node.kill9()));
  for (let calls = 0; calls < 5; calls += 1) {
    const { error, tookMs } = await failureOf(() => connection.run(increment, ["k"], []));
    expect(["STORE_UNAVAILABLE", "TIMEOUT"]).toContain(error.code);
    expect(tookMs).toBeLessThan(1500);
  }
  await Promise.all(cluster.nodes.map((node) => node.restart()));
  await cluster.whenOk();
  await eventually("an answer", () => connection.run(increment, ["k"], []));
});

async function findAsync<T>(items: readonly T[], holds: (item: T) => Promise<boolean>): Promise<T | undefined> {
  for (const item of items) if (await holds(item)) return item;
  return undefined;
}
