import type { LinkCacheOptions } from "@podlink/state-cache";
import { LinkCache } from "@podlink/state-cache";
import type { FakeClock } from "@podlink/testkit";
import { fakeClock } from "@podlink/testkit";
import type { Link } from "@podlink/types";
import { makeLink } from "@podlink/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let clock: FakeClock;
const open: LinkCache[] = [];
beforeEach(() => {
  clock = fakeClock();
});
afterEach(() => {
  for (const cache of open.splice(0)) cache.close();
});

function cacheOf(options: LinkCacheOptions = {}): LinkCache {
  const cache = new LinkCache({ namespace: "prod", service: "room", clock }, options);
  open.push(cache);
  return cache;
}

function link(uid: string, parts: Partial<Link> = {}): Link {
  return makeLink({ namespace: "prod", service: "room", uid, podIndex: 1, token: "10", kind: "owned", ...parts });
}

describe("the link cache", () => {
  it("fault 1: a link to pod 0 is a link, and no link is none", () => {
    const cache = cacheOf();
    expect(cache.peek("alice")).toBeUndefined();
    cache.set(link("alice", { podIndex: 0 }));
    expect(cache.peek("alice")).toBe(0);
    expect(cache.get("alice")?.podIndex).toBe(0);
    expect(cache.peek("bob")).toBeUndefined();
  });

  it("gives back the link that it was given", () => {
    const cache = cacheOf();
    const links = [
      link("a", { podIndex: 65_535, incarnation: 1_704_067_200_000, token: "9007199254740991" }),
      link("b", { podIndex: 0, token: "0", kind: "reservation", expiresInMs: 299_999 }),
      link("c", { kind: "goodbye", incarnation: 1, expiresInMs: 1 }),
      link("ü/🙂", { kind: "reservation" }),
    ];
    for (const one of links) cache.set(one);
    for (const one of links) expect(cache.get(one.uid)).toEqual(one);
    expect(Object.isFrozen(cache.get("a"))).toBe(true);
    expect("incarnation" in cache.get("b")!).toBe(false);
    expect("expiresInMs" in cache.get("a")!).toBe(false);
  });

  it("fault 15: uids that look alike, and the same uid of two services, are entries of their own", () => {
    const rooms = cacheOf();
    const chats = new LinkCache({ namespace: "prod", service: "chat", clock });
    open.push(chats);
    const uids = ["a/b", "a}b", "a%7Db", "a", "A", "__proto__", "é", "e\u0301"];
    for (const [podIndex, uid] of uids.entries()) rooms.set(link(uid, { podIndex }));
    for (const [podIndex, uid] of uids.entries()) expect(rooms.peek(uid)).toBe(podIndex);
    expect(chats.peek("a")).toBeUndefined();
  });

  it("set and delete return what was there", () => {
    const cache = cacheOf();
    const first = link("alice", { token: "1" });
    const second = link("alice", { token: "2", podIndex: 2 });
    expect(cache.set(first)).toBeUndefined();
    expect(cache.set(second)).toEqual(first);
    expect(cache.delete("alice")).toEqual(second);
    expect(cache.delete("alice")).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it("a lower token never replaces a higher one, an equal one does", () => {
    const cache = cacheOf();
    const held = link("alice", { token: "10" });
    cache.set(held);
    expect(cache.set(link("alice", { token: "9", podIndex: 7 }))).toEqual(held);
    expect(cache.peek("alice")).toBe(1);
    cache.set(link("alice", { token: "10", podIndex: 3 }));
    expect(cache.peek("alice")).toBe(3);
    cache.set(link("alice", { token: "100", podIndex: 4 })); // compared as numbers
    expect(cache.peek("alice")).toBe(4);
  });

  it("the link in a refusal of the very pod replaces a higher token too", () => {
    const cache = cacheOf();
    cache.set(link("alice", { token: "10" }));
    cache.set(link("alice", { token: "9", podIndex: 7 }), { authoritative: true });
    expect(cache.peek("alice")).toBe(7);
  });

  it("a lower token replaces one that is no longer live", async () => {
    const cache = cacheOf();
    cache.set(link("alice", { token: "10", expiresInMs: 1000 }));
    await clock.advance(900);
    expect(cache.set(link("alice", { token: "9", podIndex: 7 }))).toBeUndefined();
    expect(cache.peek("alice")).toBe(7);
  });
});

it("a hit calls no clock and sets no timer", () => {
  let looks = 0;
  const counted = { ...clock, nowMs: () => ((looks += 1), clock.nowMs()) };
  const cache = new LinkCache({ namespace: "prod", service: "room", clock: counted });
  open.push(cache);
  cache.set(link("alice"));
  const before = { looks, timers: clock.pendingTimers };
  for (let turn = 0; turn < 1000; turn += 1) cache.peek("alice");
  for (let turn = 0; turn < 1000; turn += 1) cache.get("alice");
  expect({ looks, timers: clock.pendingTimers }).toEqual(before);
});

describe("a peek for certain pods", () => {
  const pods = { byIndex: [false, true] };

  it("finds the live entries of these pods, and leaves the others to peek", async () => {
    const cache = cacheOf({ linkInfoCacheTimeSecs: 10 });
    for (const [uid, podIndex] of [
      ["a", 0],
      ["b", 1],
      ["c", 2],
    ] as const)
      cache.set(link(uid, { podIndex }));
    const peeked = (): (number | undefined)[] => ["a", "b", "c", "d"].map((uid) => cache.peekCertain(uid, pods));
    expect(peeked()).toEqual([undefined, 1, undefined, undefined]);
    await clock.advance(8000);
    expect(peeked()).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("counts what it finds: the rest is peek's to count", () => {
    const cache = cacheOf();
    cache.set(link("a", { podIndex: 0 }));
    cache.set(link("b", { podIndex: 1 }));
    for (const uid of ["a", "b", "c"]) if (cache.peekCertain(uid, pods) === undefined) cache.peek(uid);
    expect(cache.read()).toMatchObject({ hits: 2, misses: 1 });
  });

  it("counts as a use: the entry stays when another has to go", () => {
    const cache = cacheOf({ maxCachedLinks: 2 });
    for (const uid of ["used", "unused"]) cache.set(link(uid));
    cache.peekCertain("used", pods);
    cache.set(link("new"));
    expect([cache.peek("used"), cache.peek("unused")]).toEqual([1, undefined]);
  });
});

describe("the life of an entry", () => {
  it("is 80 % of linkInfoCacheTimeSecs", async () => {
    const cache = cacheOf({ linkInfoCacheTimeSecs: 10 });
    cache.set(link("alice"));
    await clock.advance(7980);
    expect(cache.peek("alice")).toBe(1);
    await clock.advance(40);
    expect(cache.peek("alice")).toBeUndefined();
    expect(cache.get("alice")).toBeUndefined();
  });

  it("is 80 % of what the link has left when that is less", async () => {
    const cache = cacheOf({ linkInfoCacheTimeSecs: 10 });
    cache.set(link("alice", { kind: "reservation", expiresInMs: 5000 }));
    await clock.advance(3980);
    expect(cache.peek("alice")).toBe(1);
    await clock.advance(40);
    expect(cache.peek("alice")).toBeUndefined();
  });

  it("doesn't move with the wall clock", () => {
    const cache = cacheOf();
    cache.set(link("alice"));
    clock.jumpWall(86_400_000);
    expect(cache.peek("alice")).toBe(1);
  });

  it("begins anew when the link is set again", async () => {
    const cache = cacheOf({ linkInfoCacheTimeSecs: 10 });
    cache.set(link("alice"));
    await clock.advance(7000);
    cache.set(link("alice"));
    await clock.advance(7000);
    expect(cache.peek("alice")).toBe(1);
  });

  it("is nothing when nothing may be cached", () => {
    const cache = cacheOf({ linkInfoCacheTimeSecs: 0 });
    cache.set(link("alice"));
    expect(cache.peek("alice")).toBeUndefined();
  });

  it("can be looked at after its end, for as long as the store may be down", async () => {
    const cache = cacheOf({ linkInfoCacheTimeSecs: 10 });
    const held = link("alice");
    cache.set(held);
    expect(cache.getStale("alice", 0)).toEqual(held);
    await clock.advance(9000);
    expect(cache.peek("alice")).toBeUndefined();
    expect(cache.getStale("alice", 2000)).toEqual(held);
    expect(cache.getStale("alice", 500)).toBeUndefined();
    expect(cache.getStale("bob", 2000)).toBeUndefined();
    await clock.advance(2000);
    expect(cache.getStale("alice", 2000)).toBeUndefined();
  });
});

describe("a fill", () => {
  it("that began before its uid was deleted is dropped", () => {
    const cache = cacheOf();
    const fill = cache.beginFill("alice");
    cache.delete("alice");
    expect(fill.set(link("alice"))).toBe(false);
    expect(cache.peek("alice")).toBeUndefined();
    expect(cache.read()["droppedFills"]).toBe(1);
  });

  it("that began after it is taken", () => {
    const cache = cacheOf();
    cache.delete("alice");
    expect(cache.beginFill("alice").set(link("alice"))).toBe(true);
    expect(cache.peek("alice")).toBe(1);
  });

  it("of another uid is taken", () => {
    const cache = cacheOf();
    const fill = cache.beginFill("alice");
    cache.delete("bob");
    expect(fill.set(link("alice"))).toBe(true);
  });

  it("that began before all was cleared is dropped", () => {
    const cache = cacheOf();
    cache.set(link("bob"));
    const fill = cache.beginFill("alice");
    cache.clear();
    expect(fill.set(link("alice"))).toBe(false);
    expect(cache.size).toBe(0);
  });
});

describe("hot links", () => {
  it("the Link and its promise are made once and kept", async () => {
    const cache = cacheOf();
    cache.set(link("alice"));
    const kept = cache.get("alice");
    expect(cache.get("alice")).toBe(kept);
    const promise = cache.resolved("alice");
    expect(cache.resolved("alice")).toBe(promise);
    expect(await promise).toBe(kept);
    expect(cache.resolved("bob")).toBeUndefined();
  });

  it("setting the link again lets go of what was kept", () => {
    const cache = cacheOf();
    cache.set(link("alice"));
    const promise = cache.resolved("alice");
    cache.set(link("alice", { token: "11", podIndex: 5 }));
    expect(cache.resolved("alice")).not.toBe(promise);
    expect(cache.get("alice")?.podIndex).toBe(5);
  });

  it("no more than hotEntries are kept, and the others are right all the same", () => {
    const cache = cacheOf({ hotEntries: 2 });
    for (const uid of ["a", "b", "c", "d"]) cache.set(link(uid));
    const kept = ["a", "b", "c", "d"].map((uid) => cache.get(uid));
    for (const [index, uid] of ["a", "b", "c", "d"].entries()) expect(cache.get(uid)).toEqual(kept[index]);
    expect(cache.get("d")).not.toBe(kept[3]);
  });

  it("none are kept with hotEntries 0", async () => {
    const cache = cacheOf({ hotEntries: 0 });
    cache.set(link("alice"));
    expect(cache.get("alice")).not.toBe(cache.get("alice"));
    expect(await cache.resolved("alice")).toEqual(link("alice"));
    expect(cache.delete("alice")).toEqual(link("alice"));
  });
});

describe("a full cache", () => {
  it("never holds more than maxCachedLinks", () => {
    const cache = cacheOf({ maxCachedLinks: 100 });
    for (let index = 0; index < 1000; index += 1) cache.set(link(`u${index}`));
    expect(cache.size).toBe(100);
    expect(cache.read()).toMatchObject({ size: 100, evictions: 900 });
  });

  it("holds one entry when that is all it may", () => {
    const cache = cacheOf({ maxCachedLinks: 1 });
    cache.set(link("a"));
    cache.peek("a");
    cache.set(link("b"));
    expect(cache.peek("a")).toBeUndefined();
    expect(cache.peek("b")).toBe(1);
  });

  it("keeps what is used and lets go of what is not", () => {
    const cache = cacheOf({ maxCachedLinks: 100 });
    for (let index = 0; index < 50; index += 1) cache.set(link(`hot${index}`));
    for (let round = 0; round < 20; round += 1) {
      for (let index = 0; index < 50; index += 1) expect(cache.peek(`hot${index}`)).toBe(1);
      for (let index = 0; index < 50; index += 1) cache.set(link(`once${round}.${index}`));
    }
    for (let index = 0; index < 50; index += 1) expect(cache.peek(`hot${index}`)).toBe(1);
  });

  it("lets go of an expired entry although it was used", async () => {
    const cache = cacheOf({ maxCachedLinks: 2 });
    cache.set(link("short", { expiresInMs: 1000 }));
    cache.set(link("long"));
    cache.peek("short");
    await clock.advance(1000);
    cache.set(link("new"));
    expect(cache.peek("long")).toBe(1);
    expect(cache.read()).toMatchObject({ size: 2, evictions: 0, expirations: 1 });
  });

  it("uses a freed slot again", () => {
    const cache = cacheOf({ maxCachedLinks: 40 });
    for (let round = 0; round < 50; round += 1) {
      for (let index = 0; index < 40; index += 1) cache.set(link(`u${index}`));
      for (let index = 0; index < 40; index += 1) cache.delete(`u${index}`);
    }
    expect(cache.read()).toMatchObject({ size: 0, evictions: 0 });
  });

  it("beats or equals LRU on a skewed trace", () => {
    const capacity = 500;
    const cache = cacheOf({ maxCachedLinks: capacity });
    const lru = new Map<string, true>();
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    let ours = 0;
    let theirs = 0;
    for (let turn = 0; turn < 60_000; turn += 1) {
      const uid = `u${Math.floor(5000 * random() ** 3)}`;
      if (cache.peek(uid) === undefined) cache.set(link(uid));
      else ours += 1;
      if (lru.delete(uid)) theirs += 1;
      else if (lru.size === capacity) lru.delete(lru.keys().next().value!);
      lru.set(uid, true);
    }
    expect(ours).toBeGreaterThanOrEqual(theirs);
  });
});

describe("figures", () => {
  it("count hits, misses and expirations", async () => {
    const cache = cacheOf({ linkInfoCacheTimeSecs: 1 });
    cache.peek("a");
    cache.set(link("a"));
    cache.peek("a");
    cache.get("a");
    await clock.advance(1000);
    cache.peek("a");
    cache.set(link("a"));
    await clock.advance(1000);
    cache.delete("a");
    expect(cache.read()).toEqual({ size: 0, hits: 2, misses: 2, evictions: 0, expirations: 2, droppedFills: 0 });
  });
});

it("closing lets go of the clock's timer", () => {
  const cache = cacheOf();
  expect(clock.pendingTimers).toBe(1);
  cache.close();
  cache.close();
  expect(clock.pendingTimers).toBe(0);
});
