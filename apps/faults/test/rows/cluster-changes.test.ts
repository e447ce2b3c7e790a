import { faultRow } from "@podlink/faults";
import { Lateness } from "@podlink/testkit";
import type { RedisCluster, RedisServer } from "@podlink/testkit/redis";
import { startCluster, startRedis } from "@podlink/testkit/redis";
import type { RouteError } from "@podlink/types";
import { Redis } from "ioredis";
import { expect, vi } from "vitest";
import { NAMESPACE, SERVICE, SOON, users } from "./support/store-pods.ts";
import { StoreWrites } from "./support/store-writes.ts";
import { answered, beginMove, keyOf, NODE_TIMEOUT_MS, openStore, outcomeOf, set } from "./support/topology-cluster.ts";

const at = (list: readonly string[]) => (turn: number) => list[turn % list.length] ?? "";
const uidOf = (key: string): string => key.slice(key.indexOf("}") + 1);

/** The users among these who share a slot: the largest such group. */
async function slotMates(
  cluster: RedisCluster,
  uids: readonly string[],
): Promise<{ readonly slot: number; readonly mates: readonly string[] }> {
  const bySlot = new Map<number, string[]>();
  for (const node of cluster.nodes)
    for (const key of (await node.cli("KEYS", `pl:{${NAMESPACE}/*}*`)) as string[]) {
      if (!uids.includes(uidOf(key))) continue;
      const slot = await cluster.slotOf(key);
      bySlot.set(slot, [...(bySlot.get(slot) ?? []), uidOf(key)]);
    }
  const [largest] = [...bySlot].toSorted(([, a], [, b]) => b.length - a.length);
  if (largest === undefined) throw new Error("nobody is stored");
  return { slot: largest[0], mates: largest[1] };
}

/** On which node each of these users is. */
async function homesOf(cluster: RedisCluster, uids: readonly string[]): Promise<Map<string, RedisServer>> {
  const homes = uids.map(async (uid) => [uid, await cluster.nodeOf(await keyOf(cluster, uid))] as const);
  return new Map(await Promise.all(homes));
}

/** Every write that scripts carried out on these nodes, as the nodes themselves tell it. */
async function watchExecutions(
  nodes: readonly RedisServer[],
): Promise<AsyncDisposable & { readonly of: (uid: string) => number; settle(): Promise<void> }> {
  const counts = new Map<string, number>();
  const clients = nodes.map(({ host, port }) => new Redis({ host, port, lazyConnect: true }));
  const monitors = await Promise.all(clients.map((client) => client.connect().then(() => client.monitor())));
  const marks = new Set<string>();
  for (const [index, monitor] of monitors.entries())
    monitor.on("monitor", (_: string, [name = "", key = ""]: string[], source: string) => {
      if (source === "lua" && name.toUpperCase() === "HSET") counts.set(uidOf(key), (counts.get(uidOf(key)) ?? 0) + 1);
      if (name.toUpperCase() === "ECHO") marks.add(`${index} ${key}`);
    });
  return {
    of: (uid) => counts.get(uid) ?? 0,
    /** Resolves when all is told that has happened so far. */
    async settle() {
      const mark = `mark-${performance.now()}`;
      await Promise.all(clients.map((client) => client.echo(mark)));
      await vi.waitFor(() => expect(nodes.every((_, index) => marks.has(`${index} ${mark}`))).toBe(true), SOON);
    },
    async [Symbol.asyncDispose]() {
      for (const client of [...clients, ...monitors]) client.disconnect();
    },
  };
}

faultRow(19, "slots that move to and fro under load fail no operation, and each is carried out once", async (row) => {
  await using cluster = await startCluster({ masters: 3, nodeTimeoutMs: NODE_TIMEOUT_MS });
  await using store = await openStore(cluster, { commandTimeoutMs: 2000 });
  const all = users("user", 200);
  await Promise.all(all.map((uid) => set(store, uid, 5000)));
  const { slot, mates } = await slotMates(cluster, all);
  expect(mates.length).toBeGreaterThan(2);
  const bystanders = all.filter((uid) => !mates.includes(uid)).slice(0, 5);
  await using executions = await watchExecutions(cluster.nodes);
  // Each of them writes without end, several to the slot that moves: their keys are on both sides for a while.
  const loads = [...mates, ...bystanders].map(
    (uid) =>
      new StoreWrites(
        store,
        (write) => row.request(write),
        () => uid,
      ),
  );
  const written = (): number => Math.min(...loads.map((load) => load.all.length));
  await vi.waitFor(() => expect(written()).toBeGreaterThan(5), SOON);
  const moves = 10;
  for (let move = 0; move < moves; move += 1) {
    const from = await cluster.nodeOf(slot);
    const to = cluster.nodes.find((node) => node !== from) ?? from;
    const half = await beginMove(row, from, to, slot);
    for (const limit of [Math.ceil(mates.length / 2), mates.length]) {
      await half.moveKeys(limit);
      const before = written();
      await vi.waitFor(() => expect(written()).toBeGreaterThan(before + 1), SOON);
    }
    await half.finish();
    await vi.waitFor(async () => expect(await cluster.nodeOf(slot)).toBe(to), SOON);
    const before = written();
    await vi.waitFor(() => expect(written()).toBeGreaterThan(before + 1), SOON);
  }
  await Promise.all(loads.map((load) => load.end()));
  const met = await Promise.all(["ASK", "MOVED"].map((name) => answered(cluster.nodes, name)));
  for (const count of met) expect(count).toBeGreaterThan(0);
  expect(loads.flatMap(({ failed }) => failed)).toEqual([]);
  await executions.settle();
  let writes = 0;
  for (const { all: ofOne } of loads) {
    const [{ uid } = { uid: "" }] = ofOne;
    writes += ofOne.length;
    // As often as it was asked for, no more: by the account of the nodes, and by the links, each of which replaced the one before.
    expect(executions.of(uid)).toBe(ofOne.length);
    for (const [index, { previous }] of ofOne.entries()) if (index > 0) expect(previous).toBe(ofOne[index - 1]?.token);
    const stored = await store.execute({ kind: "get", namespace: NAMESPACE, service: SERVICE, uid });
    expect(stored?.token).toBe(ofOne.at(-1)?.token);
  }
  row.saw(
    `${writes} writes during ${moves} moves, none failed, ${writes} carried out; ` +
      `ASK ${met[0]} times, MOVED ${met[1]} times`,
  );
});

faultRow(20, "a move that is left half done, then without its new node, bounds waits by the deadline", async (row) => {
  await using cluster = await startCluster({ masters: 3, nodeTimeoutMs: 20_000 });
  await using store = await openStore(cluster);
  const all = users("user", 200);
  await Promise.all(all.map((uid) => set(store, uid, 5000)));
  const { slot, mates } = await slotMates(cluster, all);
  expect(mates.length).toBeGreaterThan(3);
  const homes = await homesOf(cluster, all);
  const from = await cluster.nodeOf(slot);
  const to = cluster.nodes.find((node) => node !== from) ?? from;
  const half = await beginMove(row, from, to, slot);
  await half.moveKeys(2);
  const gone = new Set(((await to.cli("CLUSTER", "GETKEYSINSLOT", slot, 1000)) as string[]).map(uidOf));
  expect(gone.size).toBe(2);
  using lateness = new Lateness();
  const deadlineMs = 700;
  const askAll = (): Promise<{ error?: RouteError; tookMs: number; uid: string }[]> =>
    Promise.all(
      mates.map(async (uid) => ({ uid, ...(await row.request(() => outcomeOf(() => set(store, uid, deadlineMs)))) })),
    );
  // Asked for together they are refused together (TRYAGAIN); each by itself is answered, wherever it is.
  const together = await askAll();
  expect(await answered(cluster.nodes, "TRYAGAIN")).toBeGreaterThan(0);
  for (const { error, tookMs } of together) {
    expect(error).toBeUndefined();
    expect(tookMs).toBeLessThan(deadlineMs + 250 + lateness.totalMs);
  }
  // The node that the slot is on its way to stands still: whoever is there waits, to his deadline; nobody else does.
  const stopped = row.server(to);
  stopped.stop();
  const without = await askAll();
  const elsewhere = all.filter((uid) => !mates.includes(uid) && homes.get(uid) !== to).slice(0, 20);
  const others = await Promise.all(
    elsewhere.map((uid) => row.request(() => outcomeOf(() => set(store, uid, deadlineMs)))),
  );
  expect(others.filter(({ error }) => error !== undefined)).toEqual([]);
  // Who asks alone isn't led there by those who were asked for in the same batch.
  for (const uid of mates) {
    const alone = await row.request(() => outcomeOf(() => set(store, uid, deadlineMs)));
    without.push({ uid, ...alone });
    if (!gone.has(uid)) expect(alone.error).toBeUndefined();
  }
  for (const { uid, error, tookMs } of without) {
    expect(tookMs).toBeLessThan(deadlineMs + 250 + lateness.totalMs);
    if (gone.has(uid) || error !== undefined) expect(["TIMEOUT", "STORE_UNAVAILABLE"]).toContain(error?.code);
  }
  stopped.cont();
  await half.finish();
  for (const uid of mates) await vi.waitFor(() => set(store, uid), SOON);
  const slowest = (outcomes: readonly { readonly tookMs: number }[]): number =>
    Math.round(Math.max(...outcomes.map(({ tookMs }) => tookMs)));
  row.saw(
    `half done: ${together.length} of ${together.length} answered, in ${slowest(together)} ms at most; its new node standing still: ` +
      `${without.filter(({ error }) => error !== undefined).length} of ${without.length} refused, in ${slowest(without)} ms at most (deadline ${deadlineMs} ms)`,
  );
});

faultRow(22, "slots that go to a node that nobody knew, and stay there alone, need no restart", async (row) => {
  await using cluster = await startCluster({ masters: 3, nodeTimeoutMs: NODE_TIMEOUT_MS });
  await using added = await startRedis({
    config: { "cluster-enabled": "yes", "cluster-node-timeout": NODE_TIMEOUT_MS },
  });
  await using store = await openStore(cluster);
  const all = users("user", 30);
  await Promise.all(all.map((uid) => set(store, uid, 5000)));
  const from = await cluster.nodeOf(await keyOf(cluster, "user-0"));
  const homes = await homesOf(cluster, all);
  const on = all.filter((uid) => homes.get(uid) === from);
  const off = all.filter((uid) => homes.get(uid) !== from);
  await using hit = new StoreWrites(store, (write) => row.request(write), at(on));
  await using others = new StoreWrites(store, (write) => row.request(write), at(off));
  const recorded = row.server(added);
  await recorded.cli("CLUSTER", "MEET", from.host, from.port);
  const fromId = String(await from.cli("CLUSTER", "MYID"));
  const addedId = String(await added.cli("CLUSTER", "MYID"));
  await vi.waitFor(async () => {
    for (const node of cluster.nodes) expect(String(await node.cli("CLUSTER", "NODES"))).toContain(addedId);
    expect(
      String(await added.cli("CLUSTER", "NODES"))
        .split("\n")
        .filter((line) => / connected/.test(line)),
    ).toHaveLength(4);
  }, SOON);
  await vi.waitFor(() => recorded.cli("CLUSTER", "REPLICATE", fromId), SOON);
  await vi.waitFor(async () => {
    expect((await added.info("replication"))["master_link_status"]).toBe("up");
    for (const node of cluster.nodes) {
      expect(String(await node.cli("CLUSTER", "NODES"))).toMatch(new RegExp(`^${addedId} .* slave ${fromId} `, "m"));
    }
  }, SOON);
  expect(hit.failed).toEqual([]);
  await recorded.cli("CLUSTER", "FAILOVER");
  await vi.waitFor(async () => {
    expect((await added.info("replication"))["role"]).toBe("master");
    expect((await from.info("replication"))["role"]).toBe("slave");
  }, SOON);
  using lateness = new Lateness();
  // The address that was known is gone for good.
  const changedAt = performance.now();
  await row.server(from).kill9();
  await vi.waitFor(() => expect(hit.resumedAfter(changedAt)).toBeDefined(), SOON);
  const resumedMs = (hit.resumedAfter(changedAt) ?? Infinity) - changedAt;
  const counted = [hit.acknowledged.length, others.acknowledged.length];
  await vi.waitFor(() => {
    expect(hit.acknowledged.length).toBeGreaterThan((counted[0] ?? 0) + 10);
    expect(others.acknowledged.length).toBeGreaterThan((counted[1] ?? 0) + 10);
  }, SOON);
  await Promise.all([hit.end(), others.end()]);
  expect(resumedMs).toBeLessThan(2000 + lateness.totalMs);
  // What was acknowledged is there, on the node that was added; nobody else noticed.
  const there = new Set(((await added.cli("KEYS", `pl:{${NAMESPACE}/*}*`)) as string[]).map(uidOf));
  expect(on.filter((uid) => !there.has(uid))).toEqual([]);
  for (const uid of on) {
    const stored = await store.execute({ kind: "get", namespace: NAMESPACE, service: SERVICE, uid });
    expect(Number(stored?.token)).toBeGreaterThanOrEqual(
      Number(hit.acknowledged.findLast((write) => write.uid === uid)?.token ?? "0"),
    );
  }
  for (const { failed } of hit.failed) expect(["STORE_UNAVAILABLE", "TIMEOUT"]).toContain(failed?.code);
  expect(others.failed).toEqual([]);
  await vi.waitFor(() => expect(store.health().healthy).toBe(true), SOON);
  row.saw(
    `${hit.all.length} writes while their slots went to a new node and the old one was killed, ${hit.failed.length} failed; ` +
      `written again ${Math.round(resumedMs)} ms after the old address was gone; ${others.all.length} writes elsewhere, none failed`,
  );
});
