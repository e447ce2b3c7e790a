import type { LinkOp } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LinksOnRedis } from "./links-on-redis.ts";
import { linksOnRedis } from "./links-on-redis.ts";

const key = { namespace: "prod", service: "room", uid: "alice" };
const owner = { podIndex: 1 };
const lifetime = { ttlMs: 60_000 };

let on: LinksOnRedis;
beforeEach(async () => {
  on = await linksOnRedis();
});
afterEach(() => on.close());

const lost = () => new RouteError("TIMEOUT", "no answer in time", { outcome: "unknown" });
const refused = () => new RouteError("STORE_UNAVAILABLE", "its slot is being moved", { outcome: "not-applied" });

/** The reply to the next call, or calls, is lost: it was carried out, and nobody hears. */
function loseReplies(count = 1): void {
  let left = count;
  on.tap.after = () => {
    if (left === 0) return;
    left -= 1;
    throw lost();
  };
}

/** The next call, or calls, is proved not to have run. */
function refuseCalls(count: number): void {
  let left = count;
  on.tap.before = () => {
    if (left === 0) return;
    left -= 1;
    throw refused();
  };
}

const set = async (): Promise<string> => {
  const result = await on.links.execute({ kind: "set", ...key, owner: { podIndex: 2 }, lifetime });
  return "link" in result ? result.link.token : "";
};

test("a claim whose reply is lost is sent once more, and answered from the record", async () => {
  loseReplies();
  const result = await on.links.execute({ kind: "setIfAbsent", ...key, owner, lifetime });
  expect(result).toMatchObject({ created: true, repeated: true, link: { podIndex: 1 } });
  expect(on.tap.calls).toHaveLength(2);
  expect(on.tap.calls[1]?.args).toEqual(on.tap.calls[0]?.args.with(1, expect.any(String) as string));
  expect(on.links.read()["linkRepeats"]).toBe(1);
});

test("so is a claim that took its pod's reservation", async () => {
  await on.links.execute({ kind: "set", ...key, owner, lifetime });
  loseReplies();
  const op = { kind: "setIfAbsent", ...key, owner: { podIndex: 1, incarnation: 5 }, lifetime: "persistent" } as const;
  expect(await on.links.execute(op)).toMatchObject({ created: false, taken: true, repeated: true });
});

test("so is what expects a token", async () => {
  const first = await set();
  loseReplies();
  const replaced = await on.links.execute({ kind: "replace", ...key, owner, lifetime, expectedToken: first });
  expect(replaced).toMatchObject({ replaced: true, repeated: true });
  const token = ("link" in replaced && replaced.link.token) || "";
  loseReplies();
  const renewed = await on.links.execute({ kind: "renew", ...key, expected: { token }, lifetime: "persistent" });
  expect(renewed).toMatchObject({ renewed: true });
  loseReplies();
  expect(await on.links.execute({ kind: "remove", ...key, expected: { token }, graceMs: 5000 })).toEqual({
    removed: true,
    repeated: true,
  });
});

test("reads are simply sent again", async () => {
  await set();
  loseReplies(2);
  expect(await on.links.execute({ kind: "get", ...key })).toMatchObject({ podIndex: 2 });
  loseReplies();
  expect((await on.links.servicesOf("prod", "alice")).size).toBe(1);
});

test.each<Record<string, unknown> & { kind: string }>([
  { kind: "set", owner, lifetime },
  { kind: "trySet", owner, lifetime },
  { kind: "remove", graceMs: 0 },
  { kind: "remove", graceMs: 0, expected: { podIndex: 2 } },
  { kind: "renew", expected: {}, lifetime },
])("another operation whose reply is lost is not: its outcome is unknown: %o", async (op) => {
  await set();
  const before = on.tap.calls.length;
  loseReplies();
  await expect(on.links.execute({ ...op, ...key } as LinkOp)).rejects.toMatchObject({
    code: "TIMEOUT",
    outcome: "unknown",
  });
  expect(on.tap.calls.length).toBe(before + 1);
});

test("a connection that breaks leaves the same question open, under the same code", async () => {
  on.tap.after = () => {
    throw new RouteError("STORE_UNAVAILABLE", "the connection to Redis is lost", { outcome: "unknown" });
  };
  await expect(on.links.execute({ kind: "set", ...key, owner, lifetime })).rejects.toMatchObject({
    code: "TIMEOUT",
    outcome: "unknown",
    cause: { code: "STORE_UNAVAILABLE" },
  });
});

test("what is proved not to have run is sent again, whatever it is, until it is answered", async () => {
  refuseCalls(3);
  const result = await on.links.execute({ kind: "set", ...key, owner, lifetime });
  expect(result).toMatchObject({ link: { podIndex: 1 } });
  expect(result).not.toHaveProperty("repeated");
  expect(on.tap.calls).toHaveLength(4);
});

test("of keys that are between two nodes one at a time can be found: each is sent alone", async () => {
  on.tap.areKeysApart = true;
  refuseCalls(1);
  const uids = ["a", "b", "c", "d"];
  const sets = uids.map((uid) => on.links.execute({ kind: "set", ...key, uid, owner, lifetime }));
  expect((await Promise.all(sets)).every((result) => "link" in result)).toBe(true);
  expect(on.tap.calls.map(({ keys }) => keys.length)).toEqual([4, 1, 1, 1, 1]);
});

test("and until the deadline: then it was not applied", async () => {
  refuseCalls(Infinity);
  await expect(on.links.execute({ kind: "set", ...key, owner, lifetime }, { timeoutMs: 60 })).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    outcome: "not-applied",
  });
  on.tap.before = undefined;
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(await on.links.execute({ kind: "get", ...key }), "and is not sent after it").toBeUndefined();
});

test("a first try that perhaps ran makes the end of all tries unknown", async () => {
  let calls = 0;
  on.tap.before = () => {
    calls += 1;
    if (calls > 1) throw refused();
  };
  loseReplies();
  await expect(
    on.links.execute({ kind: "setIfAbsent", ...key, owner, lifetime }, { timeoutMs: 60 }),
  ).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
});

test("a store that is known to be away is not waited for", async () => {
  refuseCalls(Infinity);
  on.tap.healthy = false;
  await expect(on.links.execute({ kind: "setIfAbsent", ...key, owner, lifetime })).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    outcome: "not-applied",
  });
  expect(on.tap.calls).toHaveLength(1);
});

test("a repeat waits until the store is back", async () => {
  let back = (): void => undefined;
  on.tap.ready = new Promise((resolve) => (back = resolve));
  on.tap.healthy = false;
  loseReplies();
  const claim = on.links.execute({ kind: "setIfAbsent", ...key, owner, lifetime });
  await expect.poll(() => on.links.read()["linkRepeats"]).toBe(1);
  expect(on.tap.calls).toHaveLength(1);
  back();
  expect(await claim).toMatchObject({ created: true, repeated: true });
});

test("a store that doesn't come back leaves it unknown", async () => {
  on.tap.ready = Promise.reject(new RouteError("STORE_UNAVAILABLE", "not back"));
  on.tap.ready.catch(() => undefined);
  on.tap.healthy = false;
  loseReplies();
  await expect(on.links.execute({ kind: "setIfAbsent", ...key, owner, lifetime })).rejects.toMatchObject({
    code: "TIMEOUT",
    outcome: "unknown",
  });
  expect(on.links.read()["linksWaiting"]).toBe(0);
});

test("what can't change by itself is not tried again", async () => {
  on.tap.before = () => {
    throw new RouteError("PERMISSION_DENIED", "its user lacks a permission", { outcome: "not-applied" });
  };
  await expect(on.links.execute({ kind: "get", ...key })).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(on.tap.calls).toHaveLength(1);
});

test("and says so, though an earlier try perhaps ran", async () => {
  let calls = 0;
  on.tap.before = () => {
    calls += 1;
    if (calls > 1) throw new RouteError("PERMISSION_DENIED", "its user lacks a permission", { outcome: "not-applied" });
  };
  loseReplies();
  await expect(on.links.execute({ kind: "setIfAbsent", ...key, owner, lifetime })).rejects.toMatchObject({
    code: "PERMISSION_DENIED",
    outcome: "unknown",
  });
});

test("an id of the caller's own is kept over all tries", async () => {
  loseReplies();
  const op = { kind: "setIfAbsent", ...key, owner, lifetime, opId: "mine" } as const;
  expect(await on.links.execute(op)).toMatchObject({ repeated: true });
  expect(on.tap.calls.every(({ args }) => args.some((arg) => arg.split("|").includes("mine")))).toBe(true);
});

test("of many that are refused one tries, after each pause; once it is answered the others follow together", async () => {
  refuseCalls(3);
  const uids = ["a", "b", "c", "d"];
  const sets = uids.map((uid) => on.links.execute({ kind: "set", ...key, uid, owner, lifetime }));
  expect((await Promise.all(sets)).every((result) => "link" in result)).toBe(true);
  expect(on.tap.calls.map(({ keys }) => keys.length)).toEqual([4, 1, 1, 1, 3]);
});

test("one that tries and whose caller is gone gives way to another one", async () => {
  refuseCalls(1);
  const abort = new AbortController();
  let calls = 0;
  const tried = new Promise<void>((resolve) => {
    const { before } = on.tap;
    on.tap.before = (script) => {
      calls += 1;
      if (calls === 2) {
        abort.abort();
        resolve();
        throw refused();
      }
      return before?.(script);
    };
  });
  const first = on.links.execute({ kind: "set", ...key, uid: "first", owner, lifetime }, { signal: abort.signal });
  const second = on.links.execute({ kind: "set", ...key, uid: "second", owner, lifetime });
  await tried;
  await expect(first).rejects.toMatchObject({ code: "CANCELLED" });
  expect(await second).toMatchObject({ link: { uid: "second" } });
  expect(on.links.read()["linksWaiting"]).toBe(0);
});

test("those that wait for one to try are refused when the store is found to be away", async () => {
  refuseCalls(Infinity);
  const uids = ["a", "b", "c", "d"];
  const sets = uids.map((uid) => on.links.execute({ kind: "set", ...key, uid, owner, lifetime }));
  const settled = Promise.allSettled(sets);
  await expect.poll(() => on.tap.calls.length).toBeGreaterThan(1);
  on.tap.healthy = false;
  for (const answer of await settled)
    expect(answer).toMatchObject({ reason: { code: "STORE_UNAVAILABLE", outcome: "not-applied" } });
  expect(on.links.read()["linksWaiting"]).toBe(0);
});

test("closing ends those that wait for one to try", async () => {
  refuseCalls(Infinity);
  const sets = ["a", "b"].map((uid) => on.links.execute({ kind: "set", ...key, uid, owner, lifetime }));
  const settled = Promise.allSettled(sets);
  await expect.poll(() => on.links.read()["linksWaiting"]).toBe(2);
  on.links.close();
  for (const answer of await settled)
    expect(answer).toMatchObject({ reason: { code: "CLOSED", outcome: "not-applied" } });
});
