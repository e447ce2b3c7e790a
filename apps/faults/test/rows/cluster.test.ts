import { faultRow } from "@podlink/faults";
import { Lateness } from "@podlink/testkit";
import { startCluster } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { SOON, users } from "./support/store-pods.ts";
import type { Write } from "./support/store-writes.ts";
import { StoreWrites } from "./support/store-writes.ts";
import { NODE_TIMEOUT_MS, openStore, outcomeOf, set, splitBy } from "./support/topology-cluster.ts";

/** What a call without a time of its own is given, and some slack. */
const SETTLES_WITHIN_MS = 1500;

for (const coverage of ["no", "yes"] as const) {
  faultRow(17, `a master dies, its replica takes over in time, full coverage is ${coverage}`, async (row) => {
    await using cluster = await startCluster({
      masters: 3,
      replicas: 1,
      nodeTimeoutMs: NODE_TIMEOUT_MS,
      server: { config: { "cluster-require-full-coverage": coverage } },
    });
    await using store = await openStore(cluster);
    const uids = users("user", 30);
    await Promise.all(uids.map((uid) => set(store, uid, 5000)));
    const [victim] = cluster.nodes;
    if (victim === undefined) throw new Error("no node");
    const { on, off } = await splitBy(cluster, victim, uids);
    expect(Math.min(on.length, off.length)).toBeGreaterThan(0);
    using lateness = new Lateness();
    const at = (list: readonly string[]) => (turn: number) => list[turn % list.length] ?? "";
    await using others = new StoreWrites(store, (write) => row.request(write), at(off));
    await using hit = new StoreWrites(store, (write) => row.request(write), at(on));
    await vi.waitFor(() => expect(hit.acknowledged.length).toBeGreaterThan(5), SOON);
    const killedAt = performance.now();
    await row.server(victim).kill9();
    await vi.waitFor(() => expect(hit.resumedAfter(killedAt)).toBeDefined(), SOON);
    const pausedMs = (hit.resumedAfter(killedAt) ?? Infinity) - killedAt;
    const bound = (): number => NODE_TIMEOUT_MS + 2000 + lateness.totalMs;
    expect(pausedMs).toBeLessThan(bound());
    const counted = others.acknowledged.length;
    await vi.waitFor(() => expect(others.acknowledged.length).toBeGreaterThan(counted + 10), SOON);
    await Promise.all([hit.end(), others.end()]);
    expect(hit.failed.length).toBeGreaterThan(0);
    const longestMs = longestPauseMs(others.acknowledged);
    if (coverage === "no") {
      // No other slot notices.
      expect(others.failed).toEqual([]);
      expect(others.acknowledged.some(({ toMs }) => toMs > killedAt && toMs < killedAt + NODE_TIMEOUT_MS)).toBe(true);
    } else {
      // Redis' default: once the master is known to be dead all slots pause, until the replica has taken over.
      for (const { failed } of others.failed) expect(failed).toMatchObject({ outcome: "not-applied" });
      expect(longestMs).toBeLessThan(bound());
    }
    row.saw(
      `${coverage}: its slots paused ${Math.round(pausedMs)} ms (node-timeout ${NODE_TIMEOUT_MS} ms); ` +
        `of ${others.all.length} writes elsewhere ${others.failed.length} failed, the longest pause was ${Math.round(longestMs)} ms`,
    );
  });
}

/** Between two acknowledgements. */
const longestPauseMs = (writes: readonly Write[]): number =>
  Math.max(0, ...writes.map(({ toMs }, index) => toMs - (writes[index - 1]?.toMs ?? toMs)));

for (const coverage of ["no", "yes"] as const) {
  faultRow(18, `a master without a replica dies, full coverage is ${coverage}`, async (row) => {
    await using cluster = await startCluster({
      masters: 3,
      nodeTimeoutMs: NODE_TIMEOUT_MS,
      server: { config: { "cluster-require-full-coverage": coverage } },
    });
    await using store = await openStore(cluster, { commandTimeoutMs: 200 });
    const uids = users("user", 30);
    await Promise.all(uids.map((uid) => set(store, uid, 5000)));
    const [victim, witness] = cluster.nodes;
    if (victim === undefined || witness === undefined) throw new Error("no node");
    const { on, off } = await splitBy(cluster, victim, uids);
    expect(Math.min(on.length, off.length)).toBeGreaterThan(0);
    await row.server(victim).kill9();
    await vi.waitFor(async () => {
      const text = String(await witness.cli("CLUSTER", "NODES"));
      expect(text).toMatch(/ master,fail /);
    }, SOON);
    const isDown = (): Promise<void> =>
      vi.waitFor(
        async () => expect(String(await witness.cli("CLUSTER", "INFO"))).toContain("cluster_state:fail"),
        SOON,
      );
    if (coverage === "yes") await isDown();
    using lateness = new Lateness();
    const refused = await Promise.all(
      (coverage === "yes" ? uids : on).map((uid) => row.request(() => outcomeOf(() => set(store, uid)))),
    );
    for (const { error, tookMs } of refused) {
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-applied" });
      expect(tookMs).toBeLessThan(SETTLES_WITHIN_MS + lateness.totalMs);
    }
    if (coverage === "no") {
      expect(String(await witness.cli("CLUSTER", "INFO"))).toContain("cluster_state:ok");
      const others = await Promise.all(off.map((uid) => row.request(() => outcomeOf(() => set(store, uid)))));
      expect(others.filter(({ error }) => error !== undefined)).toEqual([]);
    }
    await victim.restart();
    await cluster.whenOk();
    for (const uid of uids) await vi.waitFor(() => set(store, uid), SOON);
    row.saw(
      `${coverage}: ${refused.length} of 30 refused, typed, in ${Math.round(Math.max(...refused.map(({ tookMs }) => tookMs)))} ms at most; all write again after its return`,
    );
  });
}

faultRow(21, "a whole Cluster down: calls settle at their deadline; up again: all recovers by itself", async (row) => {
  await using cluster = await startCluster({ masters: 3, nodeTimeoutMs: NODE_TIMEOUT_MS });
  await using store = await openStore(cluster, { commandTimeoutMs: 200 });
  await Promise.all(users("user", 10).map((uid) => set(store, uid, 5000)));
  const servers = cluster.nodes.map((node) => row.server(node));
  await Promise.all(servers.map((node) => node.kill9()));
  using lateness = new Lateness();
  let slowestMs = 0;
  for (let round = 0; round < 5; round += 1) {
    const outcomes = await row.request(() =>
      Promise.all(users("user", 10).map((uid) => outcomeOf(() => set(store, uid, 500)))),
    );
    for (const { error, tookMs } of outcomes) {
      expect(["STORE_UNAVAILABLE", "TIMEOUT"]).toContain(error?.code);
      expect(tookMs).toBeLessThan(500 + 250 + lateness.totalMs);
      slowestMs = Math.max(slowestMs, tookMs);
    }
  }
  expect(store.health().healthy).toBe(false);
  await Promise.all(servers.map((node) => node.restart()));
  await cluster.whenOk();
  const upAt = performance.now();
  await vi.waitFor(() => Promise.all(users("user", 10).map((uid) => set(store, uid))), SOON);
  const backMs = Math.round(performance.now() - upAt);
  await vi.waitFor(() => expect(store.health().healthy).toBe(true), SOON);
  row.saw(
    `50 calls failed, typed, after ${Math.round(slowestMs)} ms at most; writes again ${backMs} ms after the Cluster was content`,
  );
});
