import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { Fence } from "@podlink/sessions";
import { expectNothingLeftOpen, Lateness, recordingLogger } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { MemorySessionStore } from "../src/memory-session-store.ts";
import { RedisSessionStore } from "../src/redis-session-store.ts";
import type { RedisSessionOptions } from "../src/redis-session/options.ts";
import type { SessionStore, SessionWrite } from "../src/session-store.ts";
import { FRESH } from "../src/session-store.ts";
import { sessionStoreContract } from "./session-store-contract.ts";

let redis: RedisServer;
const opened: RedisSessionStore[] = [];
let prefixes = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const store of opened) await store.close();
  await redis.end();
});

/** A store that has no session yet. */
function makeStore(options: Partial<RedisSessionOptions> = {}): RedisSessionStore {
  prefixes += 1;
  const whose = { namespace: "test", service: "room", prefix: `session-${prefixes}` };
  const store = new RedisSessionStore({ url: redis.url, ...whose, ...options });
  opened.push(store);
  return store;
}

const fence = (token: number, holder = "0.1") => ({ token: String(token), holder });
const incr = (sequence: number): SessionWrite => ({ change: { sequence, kind: "incr", count: sequence } });

sessionStoreContract("redis", () => makeStore());

test("answers as the store in memory does, whatever is asked in whatever order", async () => {
  const tokens = fc.constantFrom("9", "10", "99", "100");
  const call = fc.record({
    uid: fc.constantFrom("alice", "bob"),
    /** Absent: the one that loaded last. */
    other: fc.option(fc.record({ token: tokens, holder: fc.constantFrom("0.1", "0.2") }), { nil: undefined, freq: 2 }),
    /** Absent: a load. 0: the next change, else beside it. */
    beside: fc.option(fc.constantFrom(0, 0, 0, -1, 1), { nil: undefined, freq: 3 }),
    text: fc.option(fc.string({ unit: "grapheme", maxLength: 5 }), { nil: undefined }),
    key: fc.option(fc.string({ minLength: 1, maxLength: 3 }), { nil: undefined }),
  });
  const reached = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 20, maxLength: 60 }), async (calls) => {
      const [memory, real] = [new MemorySessionStore(), makeStore()];
      const next = new Map<string, number>();
      const last = new Map<string, Fence>();
      for (const { uid, other, beside, text, key: used } of calls) {
        const given = other ?? last.get(uid) ?? fence(5);
        const sequence = (next.get(uid) ?? 1) + (beside ?? 0);
        const change = {
          sequence,
          count: sequence,
          ...(text === undefined ? { kind: "incr" as const } : { kind: "say" as const, text }),
        };
        const key = used === undefined ? {} : { key: { key: used, request: "r", sequence, count: sequence } };
        const ask = (store: SessionStore) =>
          beside === undefined ? store.loadAndRaise(uid, given) : store.write(uid, given, { change, ...key });
        const expected = await ask(memory);
        expect(await ask(real)).toEqual(expected);
        if (expected === "written") next.set(uid, sequence + 1);
        if (typeof expected === "object" && "session" in expected) last.set(uid, given);
        const what =
          typeof expected === "string"
            ? expected
            : `${beside === undefined ? "load" : "write"}, ${Object.keys(expected).join()}`;
        reached.set(what, (reached.get(what) ?? 0) + 1);
      }
      await real.close();
    }),
    { numRuns: 80 },
  );
  for (const what of ["written", "behind", "load, session", "load, refused", "write, refused"]) {
    expect(reached.get(what) ?? 0, what).toBeGreaterThanOrEqual(50);
  }
});

describe("the key", () => {
  test("is one for each uid, and no uid reaches another's", async () => {
    const store = makeStore({ prefix: "one-each" });
    await store.loadAndRaise("a/b*", fence(5));
    await store.write("a/b*", fence(5), incr(1));
    expect(await redis.cli("KEYS", "one-each*")).toEqual(["one-each:test/room/a%2Fb%2A"]);
  });

  test("is another for another service or namespace", async () => {
    const one = makeStore({ prefix: "shared" });
    await one.loadAndRaise("alice", fence(9));
    for (const whose of [{ service: "doc" }, { namespace: "prod" }]) {
      const other = makeStore({ prefix: "shared", ...whose });
      expect(await other.loadAndRaise("alice", fence(5))).toEqual({ session: FRESH });
    }
  });

  test("lasts for ever, or for ttlMs after the last load or write", async () => {
    const forEver = makeStore({ prefix: "kept" });
    const shorter = makeStore({ prefix: "kept", ttlMs: 60_000 });
    const left = async (): Promise<number> => Number(await redis.cli("PTTL", "kept:test/room/alice"));
    await forEver.loadAndRaise("alice", fence(5));
    await forEver.write("alice", fence(5), incr(1));
    expect(await left()).toBe(-1);
    await shorter.loadAndRaise("alice", fence(6));
    expect(await left()).toBeGreaterThan(59_000);
    await redis.cli("PEXPIRE", "kept:test/room/alice", 10_000);
    expect(await shorter.write("alice", fence(6), incr(2))).toBe("written");
    expect(await left()).toBeGreaterThan(59_000);
    await forEver.loadAndRaise("alice", fence(7));
    expect(await left()).toBe(-1);
  });
});

describe("what went wrong is told, and nothing was done twice", () => {
  test("SCRIPT FLUSH is not noticed", async () => {
    const store = makeStore();
    await store.loadAndRaise("alice", fence(5));
    await redis.cli("SCRIPT", "FLUSH");
    expect(await store.write("alice", fence(5), incr(1))).toBe("written");
    await redis.cli("SCRIPT", "FLUSH");
    expect(await store.loadAndRaise("alice", fence(5))).toMatchObject({ session: { count: 1 } });
  });

  test("a write whose answer was lost may be done again: it is behind, and loading shows it", async () => {
    const store = makeStore();
    await store.loadAndRaise("alice", fence(5));
    await redis.cli("CLIENT", "PAUSE", 300, "ALL");
    const hurried = makeStore({ prefix: `session-${prefixes}`, commandTimeoutMs: 100 });
    await expect(hurried.write("alice", fence(5), incr(1))).rejects.toMatchObject({ retryable: true });
    await vi.waitFor(async () => expect(await store.loadAndRaise("alice", fence(5))).toBeDefined(), 20_000);
    const first = await store.write("alice", fence(5), incr(1));
    expect(["written", "behind"]).toContain(first);
    expect(await store.write("alice", fence(5), incr(1))).toBe("behind");
    expect(await store.loadAndRaise("alice", fence(5))).toMatchObject({ session: { count: 1, sequence: 1 } });
  });

  test("a Redis that is silent: the call settles at its deadline, and whether it was done is not known", async () => {
    const own = await startRedis();
    onTestFinished(() => own.end());
    const store = makeStore({ url: own.url, commandTimeoutMs: 100 });
    await vi.waitFor(() => store.loadAndRaise("alice", fence(5)), 20_000);
    own.stop();
    const asked = performance.now();
    using lateness = new Lateness();
    await expect(store.write("alice", fence(5), incr(1))).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "unknown",
    });
    expect(performance.now() - asked).toBeLessThan(400 + lateness.totalMs);
    own.cont();
    await vi.waitFor(async () => expect(await store.write("alice", fence(5), incr(1))).toBe("behind"), 20_000);
  });

  test("a call that gave up before it was sent is never sent", async () => {
    const own = await startRedis();
    onTestFinished(() => own.end());
    const one = makeStore({ url: own.url, prefix: "late" });
    await one.loadAndRaise("alice", fence(5));
    await one.write("alice", fence(5), incr(1));
    own.stop();
    const other = makeStore({ url: own.url, prefix: "late", commandTimeoutMs: 50 });
    const gaveUp = { code: "STORE_UNAVAILABLE", outcome: "not-applied" };
    await expect(other.write("alice", fence(5), incr(2))).rejects.toMatchObject(gaveUp);
    own.cont();
    await vi.waitFor(() => other.loadAndRaise("bob", fence(5)), 20_000);
    expect(await one.loadAndRaise("alice", fence(5))).toMatchObject({ session: { sequence: 1 } });
  });

  test("a Redis that is gone is said once; when it is back all goes on by itself", async () => {
    const own = await startRedis({ appendOnly: "always" });
    onTestFinished(() => own.end());
    const logger = recordingLogger();
    const store = makeStore({ url: own.url, commandTimeoutMs: 200, logger });
    await vi.waitFor(() => store.loadAndRaise("alice", fence(5)), 20_000);
    await own.kill9();
    for (let call = 0; call < 3; call += 1) {
      await expect(store.write("alice", fence(5), incr(1))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    }
    await own.restart();
    // On a busy machine the first that is carried out may be answered too late: then the next is behind it.
    const done = /^(written|behind)$/;
    await vi.waitFor(async () => expect(await store.write("alice", fence(5), incr(1))).toMatch(done), 20_000);
    expect(logger.entries.map(({ fields }) => fields["code"])).toEqual(["SESSION_REDIS_LOST", "SESSION_REDIS_BACK"]);
  });

  test("a Redis without memory refuses, and nothing is changed", async () => {
    const own = await startRedis({ maxMemory: 100_000_000 });
    onTestFinished(() => own.end());
    const store = makeStore({ url: own.url });
    await store.loadAndRaise("alice", fence(5));
    await own.config("maxmemory", 1);
    const refused = { code: "STORE_UNAVAILABLE", outcome: "not-applied" };
    await expect(store.write("alice", fence(5), incr(1))).rejects.toMatchObject(refused);
    await expect(store.loadAndRaise("alice", fence(6))).rejects.toMatchObject(refused);
    await own.config("maxmemory", 0);
    expect(await store.write("alice", fence(5), incr(1))).toBe("written");
  });

  test("a wrong password is said by its code, and is in no message", async () => {
    const own = await startRedis({ password: "right" });
    onTestFinished(() => own.end());
    const logger = recordingLogger();
    const store = makeStore({ url: own.url.replace("right", "hunter2"), logger });
    const error: unknown = await store.loadAndRaise("alice", fence(5)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "RouteError", outcome: "not-applied" });
    expect(JSON.stringify([String(error), logger.entries])).not.toContain("hunter2");
    expect(logger.entries).toMatchObject([
      { fields: { code: "SESSION_REDIS_LOST", reason: "Redis answered WRONGPASS" } },
    ]);
  });

  test.each<[string, (key: string) => readonly string[]]>([
    ["a key of another type", (key) => ["SET", key, "x"]],
    ["a change that is gone", (key) => ["HSET", key, "sequence", "1"]],
    ["a count that is none", (key) => ["HSET", key, "count", "many"]],
  ])("%s is CORRUPT, not a fresh session", async (_, spoil) => {
    const store = makeStore();
    await redis.cli(...spoil(`session-${prefixes}:test/room/alice`));
    await expect(store.loadAndRaise("alice", fence(5))).rejects.toMatchObject({ code: "CORRUPT" });
  });
});

describe("close", () => {
  test("ends the connection, also one that is never made, and what waits for it", async () => {
    await expectNothingLeftOpen(async () => {
      const store = new RedisSessionStore({ url: redis.url, namespace: "test", service: "room" });
      await store.loadAndRaise("alice", fence(5));
      const nobody = new RedisSessionStore({ url: "redis://127.0.0.1:1", namespace: "test", service: "room" });
      const waiting = nobody.loadAndRaise("alice", fence(5));
      await Promise.all([store.close(), store[Symbol.asyncDispose](), nobody.close()]);
      await expect(waiting).rejects.toMatchObject({ code: "CLOSED" });
      await expect(store.loadAndRaise("alice", fence(5))).rejects.toMatchObject({ code: "CLOSED" });
    });
  });

  test("a server that accepts and says nothing holds nobody up", async () => {
    const mute = createServer(() => undefined);
    onTestFinished(() => void mute.close());
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const url = `redis://127.0.0.1:${(mute.address() as AddressInfo).port}`;
    const store = makeStore({ url, commandTimeoutMs: 50 });
    await expect(store.loadAndRaise("alice", fence(5))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      outcome: "not-applied",
    });
    await store.close();
  });
});

describe("options", () => {
  const whose = { namespace: "test", service: "room" };
  afterEach(() => vi.restoreAllMocks());

  test.each([
    [{ url: "localhost:6379" }, "redisSession.url"],
    [{ url: "http://:hunter2@localhost" }, "redisSession.url"],
    [{ url: "redis://:hunter2@localhost/zero" }, "redisSession.url"],
    [{ url: "redis://:hunter2@localhost/0?enableOfflineQueue=true" }, "redisSession.url"],
    [{ url: "redis://localhost", ttlMs: 59_999 }, "redisSession.ttlMs"],
    [{ url: "redis://localhost", commandTimeoutMs: 0 }, "redisSession.commandTimeoutMs"],
    [{ url: "redis://localhost", prefix: "a:b" }, "redisSession.prefix"],
    [{ url: "redis://localhost", pool: 5 }, "redisSession.pool"],
  ])("%j is refused by name, without the password", (options, name) => {
    const make = (): unknown => new RedisSessionStore({ ...whose, ...options });
    expect(make).toThrow(expect.objectContaining({ code: "CONFIG", message: expect.stringContaining(name) as string }));
    expect(make).not.toThrow("hunter2");
  });

  test("a unix socket is an address too", async () => {
    const store = makeStore({ url: `unix://${redis.path}?db=1` });
    expect(await store.loadAndRaise("alice", fence(5))).toEqual({ session: FRESH });
  });
});
