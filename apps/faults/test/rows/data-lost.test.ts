import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { faultRow } from "@podlink/faults";
import { startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { NAMESPACE, SERVICE, SOON, StorePods, users } from "./support/store-pods.ts";

/** What a pod that lost its registration with the data has to show: for each user the old period ended, then a new one, under a higher token. */
async function expectClaimedAgain(
  world: StorePods,
  before: Map<string, { readonly by: number; readonly link: { readonly token: string } }>,
): Promise<void> {
  await vi.waitFor(async () => {
    for (const [uid, { by, link }] of before) {
      const events = world.pod(by).periods.filter((event) => event.uid === uid);
      const fencedAt = events.findIndex((event) => event.kind === "ended" && event.reason === "fenced");
      expect(fencedAt).toBeGreaterThan(0);
      const taken = events.slice(fencedAt + 1).find((event) => event.kind === "taken");
      expect(Number(taken?.link?.token ?? 0)).toBeGreaterThan(Number(link.token));
      const stored = await world.stored(uid);
      expect(stored).toMatchObject({ podIndex: by, kind: "owned", token: taken?.link?.token });
    }
  }, SOON);
}

faultRow(2, "pods notice another life of Redis, and claim again what they held", async (row) => {
  await using redis = await startRedis();
  await using world = await StorePods.start({ url: redis.url }, { pods: 3 });
  const uids = users("user", 60);
  const before = await world.allServed(uids);
  const identities = world.pods.map(({ driver }) => driver.identity?.incarnation ?? 0);
  const server = row.server(redis);
  await server.kill9();
  const [first = ""] = uids;
  // Within its lease, and with the caller's cache, a pod serves without Redis.
  expect(await row.request(() => world.ask(first))).toMatchObject({ ok: true });
  const restartedAt = performance.now();
  await server.restart({ empty: true });
  await row.request(() => Promise.all(uids.map((uid) => world.served(uid))));
  await vi.waitFor(() => expect(world.told("epoch-changed").every((count) => count > 0)).toBe(true), SOON);
  await expectClaimedAgain(world, before);
  const tookMs = Math.round(performance.now() - restartedAt);
  for (const [index, { driver }] of world.pods.entries()) {
    expect(driver.identity?.incarnation).toBeGreaterThan(identities[index] ?? Infinity);
    expect(driver.read()["unverified"]).toBe(0);
  }
  for (const [uid, { by }] of await world.allServed(uids)) expect(by).toBe(before.get(uid)?.by);
  await world.checkInvariants();
  row.saw(`60 of 60 links claimed again by their pods, ${tookMs} ms after the restart; nobody moved`);
});

/** The size of the file that Redis appends to, and where it is. */
function appendOnlyFile(redis: RedisServer): { readonly path: string; readonly bytes: number } {
  const folder = join(redis.directory, "appendonlydir");
  const name = readdirSync(folder).find((file) => file.endsWith(".incr.aof"));
  if (name === undefined) throw new Error("Redis has no append-only file");
  const path = join(folder, name);
  return { path, bytes: statSync(path).size };
}

faultRow(3, "links that the append-only file lost are noticed and claimed again", async (row) => {
  await using redis = await startRedis({ appendOnly: "everysec" });
  await using line = await startFaultProxy({ target: redis });
  await using world = await StorePods.start({ url: line.url("redis") });
  const kept = users("kept", 20);
  const late = users("late", 20);
  const before = await world.allServed(kept);
  const { path, bytes } = appendOnlyFile(redis);
  for (const [uid, served] of await world.allServed(late)) before.set(uid, served);
  const server = row.server(redis);
  const proxy = row.proxy(line);
  // So that nobody repairs anything before the loss was seen.
  const refusal = proxy.add({ fault: "refuse" });
  await server.kill9();
  await row.inject("process", "cut the append-only file back to before the last 20 links", () => {
    truncateSync(path, bytes);
  });
  await server.restart();
  const there = async (uid: string): Promise<boolean> => {
    const keys = await redis.cli("KEYS", `pl:{${NAMESPACE}/*}${uid}`);
    return Array.isArray(keys) && keys.length > 0;
  };
  const missing = await Promise.all(late.map(there));
  expect(missing.filter((isThere) => !isThere)).toHaveLength(late.length);
  expect((await Promise.all(kept.map(there))).every(Boolean)).toBe(true);
  const healedAt = performance.now();
  refusal.end();
  await row.request(() => Promise.all([...kept, ...late].map((uid) => world.served(uid))));
  await vi.waitFor(() => expect(world.told("epoch-changed").every((count) => count > 0)).toBe(true), SOON);
  await expectClaimedAgain(world, before);
  const tookMs = Math.round(performance.now() - healedAt);
  await world.checkInvariants();
  row.saw(`20 links were lost, 20 kept; all 40 claimed again under new tokens after ${tookMs} ms`);
});

faultRow(24, "after FLUSHALL tables are claimed again, pods read again, and a 421 repairs a cache", async (row) => {
  await using redis = await startRedis();
  await using world = await StorePods.start({ url: redis.url });
  const other = await world.addCaller();
  const uids = users("user", 40);
  const before = await world.allServed(uids);
  const [caller] = world.callers;
  const rooms = caller?.client.service(SERVICE);
  // A user who was placed but hasn't come yet: only a reservation and this caller's cache know of it.
  const placed = await rooms?.resolve("newcomer");
  const elsewhere = placed?.podIndex === 0 ? 1 : 0;
  const identities = world.pods.map(({ driver }) => driver.identity?.incarnation ?? 0);
  await row.server(redis).cli("FLUSHALL");
  const flushedAt = performance.now();
  await row.request(() => Promise.all(uids.map((uid) => world.served(uid))));
  await expectClaimedAgain(world, before);
  const tookMs = Math.round(performance.now() - flushedAt);
  expect(world.told("epoch-changed").every((count) => count > 0)).toBe(true);
  for (const [index, { driver }] of world.pods.entries()) {
    expect(driver.identity?.incarnation).toBeGreaterThan(identities[index] ?? Infinity);
  }
  // The pods' states are read again: callers see the new lives.
  await vi.waitFor(() => {
    const seen = rooms?.pods().map(({ row: { incarnation } }) => incarnation);
    expect(seen).toEqual(world.pods.map(({ driver }) => driver.identity?.incarnation));
  }, SOON);
  // Caches stay, and the one whose link is gone is put right by the pod that it leads to.
  for (const uid of uids) {
    expect(caller?.client.getLinkedInCache({ service: SERVICE, uid })?.podIndex).toBe(before.get(uid)?.by);
  }
  expect(caller?.client.getLinkedInCache({ service: SERVICE, uid: "newcomer" })).toEqual(placed);
  expect(await world.pod(elsewhere).driver.guard("newcomer", { timeoutMs: 3000 })).toMatchObject({ ok: true });
  expect(await row.request(() => world.ask("newcomer"))).toMatchObject({ ok: true, by: elsewhere });
  expect(caller?.client.read()["misdirected"]).toBe(1);
  expect(caller?.client.getLinkedInCache({ service: SERVICE, uid: "newcomer" })?.podIndex).toBe(elsewhere);
  expect((await world.served("newcomer", other)).by).toBe(elsewhere);
  await world.checkInvariants();
  row.saw(`40 of 40 links claimed again ${tookMs} ms after FLUSHALL; one stale cache entry, one 421`);
});

for (const { title, remove } of [
  { title: "deleted", remove: (key: string) => ["DEL", key] },
  { title: "made to expire", remove: (key: string) => ["PEXPIRE", key, 1] },
]) {
  faultRow(25, `the owner of a link whose key was ${title} stops at its next verification`, async (row) => {
    await using redis = await startRedis();
    await using world = await StorePods.start({ url: redis.url });
    const { by, link } = await world.served("ann");
    const bystander = await world.served("bob");
    const granted = await world.ask("ann");
    const [key = ""] = (await redis.cli("KEYS", `pl:{${NAMESPACE}/*}ann`)) as string[];
    const { driver, periods } = world.pod(by);
    await row.server(redis).cli(...remove(key));
    const removedAt = performance.now();
    await vi.waitFor(() => expect(periods.at(-1)).toMatchObject({ kind: "ended", uid: "ann", reason: "lost" }), SOON);
    const tookMs = Math.round(performance.now() - removedAt);
    expect(driver.isHeld("ann")).toBe(false);
    expect(granted.ok && granted.signal.aborted).toBe(true);
    // It is not made again behind anybody's back; the next request takes it anew.
    expect(await world.stored("ann")).toBeUndefined();
    const again = await row.request(() => world.served("ann"));
    expect(Number(again.link.token)).toBeGreaterThan(Number(link.token));
    expect(await world.stored("ann")).toMatchObject({ podIndex: again.by, token: again.link.token, kind: "owned" });
    expect(world.pod(bystander.by).periods.filter(({ kind, uid }) => kind === "ended" && uid === "bob")).toEqual([]);
    await world.watch.close();
    world.watch.check();
    row.saw(`lost ${tookMs} ms after it was ${title} (verified every 500 ms); taken anew under a higher token`);
  });
}
