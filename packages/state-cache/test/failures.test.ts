import { RouteError } from "@podlink/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { LEASE_MS, makeWorld, told } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

const code = (error: unknown): string => (RouteError.is(error) ? error.code : String(error));

describe("while readings fail", () => {
  it("nobody's liveness gets worse, however long the leases have been over", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const changes = world.changesOf(cache);
    await world.clock.advance(5000);
    world.line.cut();
    await world.clock.advance(60_000);
    expect(cache.readingsFail).toBe(true);
    expect(cache.isAvailable(0)).toBe(true);
    expect(cache.isRoutable(0)).toBe(true);
    expect(cache.pod(0)).toMatchObject({ alive: true, available: true });
    expect(changes).toEqual([]);
    expect(cache.read()["staleAnswers"]).toBeGreaterThan(0);
  });

  it("a pod that is silent already stays alive too", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    pod.fallSilent();
    await world.clock.advance(7000);
    world.line.cut();
    await world.clock.advance(30_000);
    expect(cache.isAvailable(0)).toBe(true);
  });

  it("one that had been dead before stays dead", async () => {
    const pod = await world.pod(0);
    await world.pod(1);
    const cache = world.cache();
    await cache.init();
    pod.fallSilent();
    await world.clock.advance(LEASE_MS + 3000);
    world.line.cut();
    await world.clock.advance(10_000);
    expect(cache.alivePods()).toEqual([1]);
    world.line.heal();
    await world.clock.advance(3000);
    expect(cache.alivePods()).toEqual([1]);
  });

  it("a store that hangs counts as one that fails", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    world.line.hang();
    await world.clock.advance(30_000);
    expect(cache.readingsFail).toBe(true);
    expect(cache.isAvailable(0)).toBe(true);
  });

  it("pod states stay as seen last up to staleWhileDownMs, then no pod is alive, and it is told", async () => {
    await world.pod(0);
    const cache = world.cache({ staleWhileDownMs: 30_000 });
    await cache.init();
    const changes = world.changesOf(cache);
    world.line.cut();
    await world.clock.advance(29_900);
    expect(cache.isAvailable(0)).toBe(true);
    expect(cache.warm).toBe(true);
    await world.clock.advance(200);
    expect(cache.isAvailable(0)).toBe(false);
    expect(cache.routable().count).toBe(0);
    expect(cache.warm).toBe(false);
    expect(changes.map(told)).toEqual(["0: routable -> gone"]);
    world.line.heal();
    await world.clock.advance(2500);
    expect(cache.isAvailable(0)).toBe(true);
    expect(changes.map(told)).toEqual(["0: routable -> gone", "0: gone -> routable"]);
  });

  it("a pod found not ready after so long an outage is not ready since then", async () => {
    const pod = await world.pod(0);
    const cache = world.cache({ staleWhileDownMs: 30_000 });
    await cache.init();
    world.line.cut();
    await world.clock.advance(100_000);
    await pod.say({ serviceState: "NotReady" });
    world.line.heal();
    const healedAtMs = world.clock.nowMs();
    await world.clock.advance(2500);
    expect(cache.pod(0)?.notAvailableSinceMs).toBeGreaterThanOrEqual(healedAtMs);
  });

  it("a bad timeoutMs leaves no rejection that nobody hears", async () => {
    world.line.cut();
    const cache = world.cache();
    await expect(cache.refresh({ timeoutMs: -1 })).rejects.toThrow("timeoutMs");
    await world.clock.advance(50);
  });

  it("without staleness the first failure ends all", async () => {
    await world.pod(0);
    const cache = world.cache({ staleWhileDownMs: 0 });
    await cache.init();
    await world.clock.advance(5000);
    expect(cache.isAvailable(0)).toBe(true);
    world.line.cut();
    await world.clock.advance(2100);
    expect(cache.isAvailable(0)).toBe(false);
  });

  it("what a pod said before is not forgotten", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    await pod.say({ serviceState: "Failed" });
    world.line.cut();
    await world.clock.advance(20_000);
    expect(cache.isAvailable(0)).toBe(false);
  });
});

describe("after readings work again", () => {
  it("nobody's liveness gets worse for one lease", async () => {
    const pod = await world.pod(0);
    await world.pod(1);
    const cache = world.cache();
    await cache.init();
    world.line.cut();
    pod.fallSilent();
    await world.clock.advance(60_000);
    expect(cache.frozenUntilMs).toBe(Number.POSITIVE_INFINITY);
    world.line.heal();
    await world.clock.advance(2100);
    expect(cache.readingsFail).toBe(false);
    const frozenUntilMs = cache.frozenUntilMs!;
    expect(frozenUntilMs - world.clock.nowMs()).toBeGreaterThan(LEASE_MS - 2100);
    await world.clock.advance(frozenUntilMs - world.clock.nowMs() - 10);
    expect(cache.alivePods()).toEqual([0, 1]);
    await world.clock.advance(50);
    expect(cache.alivePods()).toEqual([1]);
    expect(cache.isAvailable(0)).toBe(false);
  });

  it("a stranger that had died meanwhile is not believed alive", async () => {
    await world.pod(1);
    const cache = world.cache();
    await cache.init();
    world.line.cut();
    const pod = await world.pod(0);
    pod.fallSilent();
    await world.clock.advance(60_000);
    world.line.heal();
    await world.clock.advance(3000);
    expect(cache.alivePods()).toEqual([1]);
  });

  it("every caller is back within a refresh, not all at the same moment", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    world.line.cut();
    await world.clock.advance(60_000);
    world.line.heal();
    const before = world.line.calls.readPods;
    await world.clock.advance(2000);
    expect(cache.readingsFail).toBe(false);
    expect(world.line.calls.readPods).toBeGreaterThan(before);
  });

  it("a failing store is asked again sooner at first, then once a refresh", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    world.line.cut();
    await world.clock.advance(10_000);
    const early = world.line.calls.readPods;
    await world.clock.advance(60_000);
    const calls = world.line.calls.readPods - early;
    expect(calls).toBeGreaterThanOrEqual(30);
    expect(calls).toBeLessThanOrEqual(60);
  });
});

describe("a start without a store", () => {
  it("rejects in time, goes on by itself, and connects within 2 s of its return", async () => {
    await world.pod(0);
    world.line.cut();
    const cache = world.cache();
    const failed = expect(cache.init()).rejects.toSatisfy((error) => code(error) === "STORE_UNAVAILABLE");
    await world.clock.advance(600);
    await failed;
    expect(cache.isAvailable(0)).toBe(false);
    expect(cache.warm).toBe(false);
    await world.clock.advance(60_000);
    world.line.heal();
    await world.clock.advance(2000);
    expect(cache.isAvailable(0)).toBe(true);
    await cache.init();
  });

  it("rejects in time when the store hangs", async () => {
    world.line.hang();
    const cache = world.cache();
    const failed = expect(cache.init()).rejects.toSatisfy((error) => code(error) === "TIMEOUT");
    await world.clock.advance(600);
    await failed;
  });

  it("a caller's abort ends its own wait alone", async () => {
    await world.pod(0);
    world.line.delay(100);
    const cache = world.cache();
    const patience = new AbortController();
    const gone = expect(cache.init({ signal: patience.signal })).rejects.toSatisfy(
      (error) => code(error) === "CANCELLED",
    );
    const patient = cache.init();
    await world.clock.advance(10);
    patience.abort();
    await gone;
    await world.clock.advance(200);
    await patient;
    expect(cache.isAvailable(0)).toBe(true);
    expect(world.line.calls.readPods).toBe(1);
  });

  it("a reading that throws at once is a failing one", async () => {
    world.line.on("readPods", () => {
      throw new TypeError("broken");
    });
    const cache = world.cache();
    await expect(cache.init()).rejects.toThrow("broken");
    expect(cache.readingsFail).toBe(true);
  });
});

describe("after start", () => {
  it("owned links are not to be replaced for one lease, nor in a freeze", async () => {
    await world.pod(0);
    const cache = world.cache();
    expect(cache.ownedFrozenUntilMs).toBeUndefined();
    await cache.init();
    const nowMs = world.clock.nowMs();
    expect(cache.knownSinceMs).toBe(nowMs);
    expect(cache.frozenUntilMs).toBeUndefined();
    expect(cache.ownedFrozenUntilMs).toBe(nowMs + LEASE_MS);
    world.line.cut();
    await world.clock.advance(2500);
    expect(cache.ownedFrozenUntilMs).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a lease too short for the times of reading", () => {
  it("is warned of once", async () => {
    await world.pod(0, { leaseMs: 7000 });
    await world.pod(1, { leaseMs: 7000 });
    const cache = world.cache();
    await cache.init();
    await cache.refresh();
    expect(world.logger.entries.filter((entry) => entry.message.includes("lease"))).toHaveLength(1);
  });
});
