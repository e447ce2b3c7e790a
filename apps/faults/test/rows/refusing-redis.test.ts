import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { faultRow } from "@podlink/faults";
import type { RedisExecutor } from "@podlink/redis-executor";
import { Lateness, recordingLogger } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import type { GuardAnswer } from "@podlink/server-driver";
import type { LinkOp } from "@podlink/types";
import { expect, vi } from "vitest";
import type { HttpPod } from "./support/redis-pods.ts";
import { startPod, TIMES } from "./support/redis-pods.ts";
import { at, claim, failureOf, openStore, read, set, uids } from "./support/redis-store.ts";

const renew = (uid: string, token: string): LinkOp => ({
  kind: "renew",
  ...at(uid),
  expected: { token },
  lifetime: "persistent",
});

const granted = ({ pod }: HttpPod, uid: string): Promise<GuardAnswer & { ok: true }> =>
  vi.waitFor(async () => {
    const answer = await pod.driver.guard(uid);
    if (!answer.ok) throw new Error(answer.reason);
    return answer;
  }, 10_000);

/** What names an owner is refused by the script; what frees is refused whole, and tried again until its caller has waited enough. */
async function isRefused(store: RedisExecutor, op: LinkOp, reason: RegExp): Promise<void> {
  const frees = op.kind === "renew" || op.kind === "remove";
  // A try may be under way just when the wait ends: then it is unknown, and asked for again here.
  await vi.waitFor(async () => {
    const { error } = await failureOf(() => store.execute(op, { timeoutMs: 300 }));
    expect(error.code, op.kind).toMatch(frees ? /^(?:TIMEOUT|STORE_UNAVAILABLE)$/ : /^STORE_UNAVAILABLE$/);
    expect(error.outcome, op.kind).toBe("not-applied");
    expect(error.message, op.kind).toMatch(reason);
  }, 5000);
}

faultRow(16, "writes and renewals fail typed, and the owner stops at the end of its lease", async (row) => {
  await using redis = await startRedis();
  await using store = await openStore({ url: redis.url });
  await using owner = await startPod(0, { redis: redis.url });
  const held = await granted(owner, "ann");
  await store.execute(claim("bob", 7));
  const before = await redis.cli("DBSIZE");
  using lateness = new Lateness();
  await row.server(redis).config("min-replicas-to-write", 1);
  const refusedSinceMs = performance.now();
  const writes: LinkOp[] = [
    set("new"),
    set("bob", 2),
    claim("new"),
    { ...claim("new"), kind: "trySet" },
    { ...claim("new"), kind: "replace", expectedToken: held.link.token },
    renew("ann", held.link.token),
    { kind: "remove", ...at("bob"), graceMs: 0 },
  ];
  let stoppedMs = Number.POSITIVE_INFINITY;
  held.signal.addEventListener("abort", () => (stoppedMs = performance.now() - refusedSinceMs));
  for (const op of writes) await row.request(() => isRefused(store, op, /replicas/));
  await vi.waitFor(() => expect(held.signal.aborted).toBe(true), 5000);
  expect(stoppedMs).toBeLessThan(TIMES.leaseMs - TIMES.leaseMarginMs + 50 + lateness.totalMs);
  expect(await row.request(() => owner.pod.driver.guard("ann"))).toMatchObject({ ok: false, reason: "fenced" });
  expect(await redis.cli("DBSIZE")).toBe(before);
  expect(await store.execute(read("ann"))).toMatchObject({ token: held.link.token });
  expect(await store.execute(read("bob"))).toMatchObject({ podIndex: 7 });
  await redis.config("min-replicas-to-write", 0);
  expect(Number((await granted(owner, "ann")).link.token)).toBeGreaterThan(Number(held.link.token));
  row.saw(`7 kinds of writes refused; the owner stopped after ${Math.round(stoppedMs)} ms`);
});

faultRow(26, "what sets is refused whole; what removes and renews works, and owners stay owners", async (row) => {
  await using redis = await startRedis();
  await using store = await openStore({ url: redis.url });
  await using owner = await startPod(0, { redis: redis.url });
  const held = await granted(owner, "ann");
  const incarnation = owner.pod.identity?.incarnation;
  for (const uid of uids("full", 4)) await store.execute(claim(uid, 1));
  await store.execute(set("reserved", 1));
  const keys = async (): Promise<unknown[]> => ((await redis.cli("KEYS", "*")) as string[]).sort();
  const before = await keys();
  await row.server(redis).config("maxmemory", 1);
  const sets: LinkOp[] = [
    set("new-1"),
    set("full-0", 2),
    claim("new-2"),
    claim("reserved", 1),
    { ...claim("new-3"), kind: "trySet" },
    { ...claim("new-4"), kind: "replace", expectedToken: "7" },
    { kind: "setIfAbsent", ...at("reserved"), owner: { podIndex: 2 }, lifetime: { ttlMs: 90_000 }, renew: true },
  ];
  for (const answer of await row.request(() => store.executeAll(sets))) {
    expect(answer).toMatchObject({ error: { code: "STORE_UNAVAILABLE", outcome: "not-applied" } });
    expect("error" in answer && answer.error.message).toContain("memory limit");
  }
  expect(await keys(), "not even a key without an expiry").toEqual(before);
  expect(await store.execute(read("full-0"))).toMatchObject({ podIndex: 1 });

  const renewed = await row.request(() => store.execute(renew("ann", held.link.token)));
  expect(renewed).toMatchObject({ renewed: true });
  const bye = await row.request(() => store.execute({ kind: "remove", ...at("full-1"), graceMs: 5000 }));
  expect(bye).toEqual({ removed: true });
  expect(await store.execute(read("full-1"))).toMatchObject({ kind: "goodbye" });
  const gone = await row.request(() => store.execute({ kind: "remove", ...at("full-2"), graceMs: 0 }));
  expect(gone).toEqual({ removed: true });
  expect(await store.execute(read("full-2"))).toBeUndefined();
  row.saw("7 kinds of sets refused, no key changed; renewals and removals go on");

  await redis.config("maxmemory", 0);
  expect(await store.execute(claim("new-2"))).toMatchObject({ created: true });
  expect((await granted(owner, "ann")).link.token).toBe(held.link.token);
  expect(owner.pod.identity?.incarnation).toBe(incarnation);
});

faultRow(27, "a policy that evicts is told at start, and its code stays the same", async (row) => {
  await using redis = await startRedis();
  const server = row.server(redis);
  await server.config("maxmemory-policy", "allkeys-lru");
  const logger = recordingLogger();
  await using store = await openStore({ url: redis.url, logger });
  const told = logger.of("warn").filter(({ fields }) => fields["code"] === "PODLINK_REDIS_EVICTION");
  expect(told).toHaveLength(1);
  expect(told[0]?.message).toContain("allkeys-lru");

  // And what it warned of: links of living users go.
  for (const uid of uids("evicted", 50)) await store.execute(claim(uid));
  const { used_memory = "0" } = await redis.info("memory");
  await server.config("maxmemory", Number(used_memory) + 200_000);
  for (let junk = 0; junk < 200; junk += 1) await redis.cli("SET", `junk:${junk}`, "x".repeat(10_000));
  const links = await row.request(() => store.executeAll(uids("evicted", 50).map(read)));
  const evicted = links.filter((answer) => "value" in answer && answer.value === undefined).length;
  expect(evicted).toBeGreaterThan(0);
  const again = await row.request(() => store.executeAll(uids("evicted", 50).map((uid) => claim(uid))));
  for (const answer of again) expect(answer).toHaveProperty("value");
  expect(logger.of("warn").filter(({ fields }) => fields["code"] === "PODLINK_REDIS_EVICTION")).toHaveLength(1);
  row.saw(`PODLINK_REDIS_EVICTION once at start; then ${evicted} of 50 links evicted`);
});

faultRow(
  37,
  "what Redis can't keep on its disk it refuses, typed; reads go on, and writes when it can again",
  async (row) => {
    await using redis = await startRedis();
    await using store = await openStore({ url: redis.url });
    const made = await store.execute(claim("ann"));
    const token = "link" in made ? made.link.token : "";
    const server = row.server(redis);
    // A dump that can't be put in its place, as on a disk that is full.
    const dump = join(redis.directory, "dump.rdb");
    await rm(dump, { force: true });
    await mkdir(join(dump, "taken"), { recursive: true });
    await server.config("save", "3600 1000000");
    await server.config("stop-writes-on-bgsave-error", "yes");
    await server.cli("BGSAVE");
    const status = async (): Promise<unknown> => (await redis.info("persistence"))["rdb_last_bgsave_status"];
    await vi.waitFor(async () => expect(await status()).toBe("err"), 10_000);

    const writes: LinkOp[] = [
      set("new"),
      claim("new"),
      { ...claim("new"), kind: "trySet" },
      renew("ann", token),
      { kind: "remove", ...at("ann"), graceMs: 0 },
    ];
    for (const op of writes) await row.request(() => isRefused(store, op, /write (?:to its|its data to) disk/));
    expect(await row.request(() => store.execute(read("ann")))).toMatchObject({ token });
    await rm(dump, { recursive: true });
    await redis.cli("BGSAVE");
    await vi.waitFor(async () => expect(await status()).toBe("ok"), 10_000);
    expect(await store.execute(claim("new"))).toMatchObject({ created: true });
    row.saw("5 kinds of writes refused (MISCONF), reads answered");
  },
);
