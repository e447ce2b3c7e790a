import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RedisCluster, RedisServer } from "../../src/redis.ts";
import { startCluster } from "../../src/redis.ts";

/** A master that doesn't have the key. */
const otherThan = (cluster: RedisCluster, owner: RedisServer): RedisServer =>
  cluster.nodes.slice(0, 3).find((node) => node !== owner) as RedisServer;

describe("a Cluster of three masters", () => {
  let cluster: RedisCluster;
  beforeAll(async () => void (cluster = await startCluster({ server: { password: "secret" } })));
  afterAll(() => cluster.end());

  test("serves all slots", async () => {
    expect(cluster.nodes).toHaveLength(3);
    expect(cluster.addresses).toEqual(cluster.nodes.map(({ host, port }) => ({ host, port })));
    const owners = await Promise.all([0, 5460, 5461, 10_922, 10_923, 16_383].map((slot) => cluster.nodeOf(slot)));
    expect(owners.map((owner) => cluster.nodes.indexOf(owner))).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test("knows a key's slot and node", async () => {
    expect(await cluster.slotOf("{user}:1")).toBe(await cluster.slotOf("user"));
    const owner = await cluster.nodeOf("k");
    expect(await owner.cli("SET", "k", "v")).toBe("OK");
    const moved = `MOVED ${await cluster.slotOf("k")} 127.0.0.1:${owner.port}`;
    await expect(otherThan(cluster, owner).cli("GET", "k")).rejects.toThrow(moved);
  });

  test("a slot moves with all its keys", async () => {
    const from = await cluster.nodeOf("{many}");
    const to = otherThan(cluster, from);
    await Promise.all(Array.from({ length: 250 }, (_, index) => from.cli("SET", `{many}:${index}`, index)));
    const slot = await cluster.slotOf("{many}");
    await cluster.moveSlot(slot, to);
    expect(await cluster.nodeOf(slot)).toBe(to);
    expect(await to.cli("CLUSTER", "COUNTKEYSINSLOT", slot)).toBe(250);
    await expect(from.cli("GET", "{many}:1")).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${to.port}`);
    await expect(cluster.moveSlot(slot, to)).rejects.toThrow("there already");
  });

  test("a move may be left half done, and finished or abandoned", async () => {
    const from = await cluster.nodeOf("{half}");
    const to = otherThan(cluster, from);
    for (const key of ["{half}:1", "{half}:2"]) await from.cli("SET", key, "v");
    const slot = await cluster.slotOf("{half}");
    const move = await cluster.beginMove(slot, to);
    expect(await move.moveKeys(1)).toBe(1);
    await expect(from.cli("MGET", "{half}:1", "{half}:2")).rejects.toThrow("TRYAGAIN");
    await expect(from.cli("GET", "{half}:3")).rejects.toThrow(`ASK ${slot} 127.0.0.1:${to.port}`);
    expect(await cluster.nodeOf(slot)).toBe(from);
    await move.finish();
    expect(await to.cli("MGET", "{half}:1", "{half}:2")).toEqual(["v", "v"]);
    const back = await cluster.beginMove(slot, from);
    await back.abandon();
    expect(await to.cli("GET", "{half}:1")).toBe("v");
    expect(await to.cli("GET", "{half}:3")).toBeUndefined();
  });

  test("a master that was killed serves its slots again after a restart", async () => {
    const owner = await cluster.nodeOf("k");
    await owner.kill9();
    await owner.restart();
    await cluster.whenOk();
    expect(await owner.cli("SET", "k", "again")).toBe("OK");
  });
});

test("a Cluster with a node that won't start says why", async () => {
  const refused = startCluster({ masters: 2, server: { config: { "hz-of-today": 10 } } });
  await expect(refused).rejects.toThrow("hz-of-today");
});

test("in a Cluster of six a replica takes over when its master dies", async () => {
  await using cluster = await startCluster({ masters: 3, replicas: 1, nodeTimeoutMs: 500 });
  expect(cluster.nodes).toHaveLength(6);
  const master = await cluster.nodeOf("k");
  const replica = cluster.nodes[3 + cluster.nodes.indexOf(master)] as RedisServer;
  expect(await replica.info("replication")).toMatchObject({ role: "slave", master_port: String(master.port) });
  await master.cli("SET", "k", "v");
  await master.cli("WAIT", 1, 5000);
  await master.kill9();
  await expect.poll(() => cluster.nodeOf("k"), { timeout: 10_000 }).toBe(replica);
  await cluster.whenOk();
  expect(await replica.cli("GET", "k")).toBe("v");
  await master.restart();
  await expect.poll(async () => (await master.info("replication"))["role"], { timeout: 10_000 }).toBe("slave");
});
