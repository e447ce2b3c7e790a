import { ServiceStateCache } from "@podlink/state-cache";
import { RouteError } from "@podlink/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { makeWorld } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

describe("refresh", () => {
  it("fault 17: a hundred callers at once share one reading", async () => {
    await world.pod(0);
    const cache = world.cache();
    await Promise.all(Array.from({ length: 100 }, () => cache.init()));
    expect(world.line.calls.readPods).toBe(1);
    await Promise.all(Array.from({ length: 100 }, () => cache.refresh()));
    expect(world.line.calls.readPods).toBe(2);
  });

  it("fault 17: the period is stateRefreshMs, not how long states may be served", async () => {
    await world.pod(0);
    const cache = world.cache({ stateRefreshMs: 2000 });
    await cache.init();
    await world.clock.advance(60_000);
    expect(world.line.calls.readPods).toBeGreaterThanOrEqual(30);
    expect(world.line.calls.readPods).toBeLessThanOrEqual(35);
  });

  it("resolves after a reading that began after the call, although one was under way", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    world.line.delay(100);
    const first = cache.refresh();
    await world.clock.advance(50);
    const askedAtMs = world.clock.nowMs();
    const second = cache.refresh();
    const third = cache.refresh();
    await world.clock.advance(50);
    await first;
    await pod.say({ linkCount: 77 });
    await world.clock.advance(100);
    await Promise.all([second, third]);
    expect(cache.lastReadingBegunAtMs).toBeGreaterThanOrEqual(askedAtMs);
    expect(cache.pod(0)?.row.linkCount).toBe(77);
    expect(world.line.calls.readPods).toBe(3);
  });

  it("rejects with the reading's failure; the one that waits behind it gets its own", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    world.line.hang();
    const first = expect(cache.refresh()).rejects.toThrow(RouteError);
    await world.clock.advance(100);
    const second = cache.refresh();
    world.line.heal();
    await world.clock.advance(600);
    await first;
    await second;
    expect(cache.readingsFail).toBe(false);
  });

  it("starts the cache when nobody did", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.refresh();
    await world.clock.advance(10_000);
    expect(world.line.calls.readPods).toBeGreaterThan(3);
  });

  it("ready makes no call while the cache is warm", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.ready();
    await cache.ready();
    world.line.cut();
    await world.clock.advance(2500);
    await cache.ready(); // served stale
    expect(cache.readingsFail).toBe(true);
  });
});

describe("a store that refuses at once", () => {
  it("is asked at most 40 times a second, however many ask", async () => {
    world.line.cut();
    const cache = world.cache();
    let failed = 0;
    for (let step = 0; step < 1000; step += 1) {
      cache.ready({ timeoutMs: 200 }).catch(() => (failed += 1));
      await world.clock.advance(1);
    }
    await world.clock.advance(100);
    expect(failed).toBe(1000);
    expect(world.line.calls.readPods).toBeLessThan(60);
  });

  it("is asked again by whoever needs the pods once what was seen is too old", async () => {
    await world.pod(0);
    const cache = world.cache({ staleWhileDownMs: 1000 });
    await cache.init();
    world.line.cut();
    await world.clock.advance(5000);
    await expect(cache.ready()).rejects.toSatisfy((error) => (error as RouteError).code === "STORE_UNAVAILABLE");
    world.line.heal();
    const ready = cache.ready();
    await world.clock.advance(50);
    await ready;
    expect(cache.isAvailable(0)).toBe(true);
  });
});

describe("what a reading costs", () => {
  it("does not grow with the pods: only what changed comes back", async () => {
    for (let podIndex = 0; podIndex < 300; podIndex += 1) await world.pod(podIndex);
    const cache = world.cache();
    await cache.init();
    const { version } = cache.routable();
    const before = cache.read()["rows"]!;
    await world.clock.advance(60_000);
    expect(cache.read()["readings"]).toBeGreaterThan(30);
    expect(cache.read()["rows"]).toBe(before);
    await world.clock.advance(10_000);
    const warm = cache.routable().version;
    await world.clock.advance(10_000);
    expect(cache.routable().version).toBe(warm);
    expect(version).toBeGreaterThan(0);
  });

  it("one changed pod touches one place of the arrays", async () => {
    const pods = [];
    for (let podIndex = 0; podIndex < 300; podIndex += 1) pods.push(await world.pod(podIndex));
    const cache = world.cache({ slowStartMs: 0 });
    await cache.init();
    const arrays = cache.routable().podIndexes;
    const { version } = cache.routable();
    await pods[123]?.say({ linkCount: 50 });
    await cache.refresh();
    expect(cache.routable().version).toBe(version + 1);
    expect(cache.routable().podIndexes).toBe(arrays);
    expect(cache.routable().linkCounts[cache.routable().positionOf(123)!]).toBe(50);
  });
});

describe("pushes", () => {
  it("a change is seen at once, without a reading", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const calls = world.line.totalCalls;
    await pod.say({ routingState: "DenyNewCall" });
    expect(cache.isRoutable(0)).toBe(false);
    expect(cache.isAvailable(0)).toBe(true);
    await world.pod(1);
    expect(cache.isRoutable(1)).toBe(true);
    await pod.leave();
    expect(cache.isAvailable(0)).toBe(false);
    expect(world.line.totalCalls).toBe(calls);
  });

  it("one that arrives between the first reading and its reply is not lost", async () => {
    const pod = await world.pod(0);
    const { memory, clock } = world;
    const cache = new ServiceStateCache({
      directory: {
        async readPods(...asked) {
          const reading = await memory.readPods(...asked);
          await pod.say({ routingState: "DenyNewCall" });
          await clock.advance(0);
          return reading;
        },
        watchPods: (...asked) => memory.watchPods(...asked),
      },
      namespace: "prod",
      service: "room",
      clock,
    });
    await cache.init();
    expect(cache.isAvailable(0)).toBe(true);
    expect(cache.isRoutable(0)).toBe(false);
    cache.close();
  });

  it("an older row in a slow reading doesn't undo a newer push", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const old = await world.memory.readPods("prod", "room");
    await pod.say({ routingState: "DenyNewCall" });
    expect(cache.isRoutable(0)).toBe(false);
    expect(old.rows[0]?.routingState).toBe("Ready");
    await cache.refresh();
    expect(cache.isRoutable(0)).toBe(false);
  });

  it("a lost push is healed by the next reading", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    world.line.dropPushes(1);
    await pod.say({ routingState: "DenyNewCall" });
    expect(cache.isRoutable(0)).toBe(true);
    await world.clock.advance(2000);
    expect(cache.isRoutable(0)).toBe(false);
  });

  it("after a gap the pods are read within a tenth of a second", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    world.line.cut();
    await pod.say({ routingState: "DenyNewCall" });
    world.line.heal(); // watchers hear of a gap
    expect(cache.read()["gaps"]).toBe(1);
    await world.clock.advance(100);
    expect(cache.isRoutable(0)).toBe(false);
  });

  it("fault 23: without event notification nothing is subscribed to, and a change is seen at the next reading", async () => {
    const pod = await world.pod(0);
    const cache = world.cache({ push: false });
    await cache.init();
    await pod.say({ routingState: "DenyNewCall" });
    expect(cache.isRoutable(0)).toBe(true);
    expect(cache.read()["pushes"]).toBe(0);
    await world.clock.advance(2000);
    expect(cache.isRoutable(0)).toBe(false);
  });
});

describe("fault 23: a cache that is switched off", () => {
  it("runs nothing by itself", async () => {
    await world.pod(0);
    const cache = world.cache({ enabled: false });
    await cache.init();
    const calls = world.line.totalCalls;
    await world.clock.advance(60_000);
    expect(world.line.totalCalls).toBe(calls);
    expect(cache.read()["pushes"]).toBe(0);
  });

  it("reads at every question, once for those who ask together", async () => {
    await world.pod(0);
    const cache = world.cache({ enabled: false });
    for (let round = 1; round <= 3; round += 1) {
      await Promise.all([cache.ready(), cache.ready(), cache.ready()]);
      expect(world.line.calls.readPods).toBe(round);
      expect(cache.isAvailable(0)).toBe(true);
    }
  });

  it("forgets what it read after stateRefreshMs", async () => {
    await world.pod(0);
    const cache = world.cache({ enabled: false });
    await cache.ready();
    expect(cache.routable().count).toBe(1);
    await world.clock.advance(2001);
    expect(cache.isAvailable(0)).toBe(false);
    expect(cache.routable().count).toBe(0);
    expect(cache.available().count).toBe(0);
    expect(cache.pods()).toEqual([]);
    expect(cache.pod(0)).toBeUndefined();
  });
});

describe("close", () => {
  it("fault 11: ends every timer and subscription, and is idempotent", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const changes = world.changesOf(cache);
    pod.fallSilent();
    await world.clock.advance(6000);
    const refresh = expect(cache.refresh()).rejects.toSatisfy((error) => (error as RouteError).code === "CLOSED");
    cache.close();
    cache.close();
    await refresh;
    expect(world.clock.pendingTimers).toBe(0);
    await world.pod(0);
    expect(changes).toEqual([]);
    expect(cache.isAvailable(0)).toBe(false);
    for (const ask of [() => cache.init(), () => cache.refresh(), () => cache.ready()]) {
      await expect(ask()).rejects.toSatisfy((error) => (error as RouteError).code === "CLOSED");
    }
  });

  it("lets a reading under way go", async () => {
    await world.pod(0);
    const cache = world.cache();
    world.line.hang();
    const asked = expect(cache.init()).rejects.toSatisfy((error) => (error as RouteError).code === "CLOSED");
    await world.clock.advance(10);
    cache.close();
    await asked;
    await world.clock.advance(0);
    expect(world.clock.pendingTimers).toBe(1); // the pod's own
    expect(world.logger.entries).toEqual([]);
  });
});

describe("a service that no pod was ever registered for", () => {
  it("costs no timer and no subscription, and one reading for all who ask within a refresh", async () => {
    const cache = world.cache();
    await cache.ready();
    expect(cache.resting).toBe(true);
    expect(world.clock.pendingTimers).toBe(0);
    await cache.ready();
    expect(world.line.calls.readPods).toBe(1);
    await world.clock.advance(2001);
    await cache.ready();
    expect(world.line.calls.readPods).toBe(2);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("is kept up to date from the first question after a pod registered", async () => {
    const cache = world.cache();
    await cache.ready();
    const pod = await world.pod(0);
    await world.clock.advance(2001);
    await cache.ready();
    expect(cache.isAvailable(0)).toBe(true);
    expect(cache.resting).toBe(false);
    await pod.say({ serviceState: "NotReady" });
    await world.clock.advance(10);
    expect(cache.isAvailable(0)).toBe(false);
  });

  it("whose first pod a second question finds, asked during the first, is kept up to date", async () => {
    const cache = world.cache();
    world.line.delay(50);
    const first = cache.refresh();
    await world.clock.advance(10);
    const second = cache.refresh();
    await world.clock.advance(50);
    await first;
    const pod = await world.pod(0);
    await world.clock.advance(60);
    await second;
    expect(cache.isAvailable(0)).toBe(true);
    pod.fallSilent();
    await world.clock.advance(20_000);
    expect(cache.isAvailable(0)).toBe(false);
  });

  it("is waited for once init was called: its first pod is told", async () => {
    const cache = world.cache();
    await cache.ready();
    await cache.init();
    const changes = world.changesOf(cache);
    await world.pod(0);
    await world.clock.advance(10);
    expect(changes).toHaveLength(1);
  });
});
