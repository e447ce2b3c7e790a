import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { LEASE_MS, makeWorld } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

describe("the last proof of life", () => {
  it("is never later than the last report, and at most silenceMs before it", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    await world.clock.advance(20_001);
    const reportedAtMs = world.clock.nowMs() - 1;
    pod.fallSilent();
    await world.clock.advance(3000);
    const while_ = cache.silentSinceMs(0, pod.incarnation)!;
    expect(while_).toBeLessThanOrEqual(reportedAtMs);
    expect(while_).toBeGreaterThan(reportedAtMs - 6500);
    await world.clock.advance(20_000);
    expect(cache.silentSinceMs(0, pod.incarnation)).toBe(reportedAtMs);
    expect(cache.pod(0)).toMatchObject({ lastReportAtMs: reportedAtMs, leaseOverAtMs: reportedAtMs + LEASE_MS });
  });

  it("of a pod without a row is the start of knowing", async () => {
    const cache = world.cache();
    expect(cache.silentSinceMs(7, 1)).toBeUndefined();
    await cache.init();
    const startMs = world.clock.nowMs();
    await world.clock.advance(5000);
    expect(cache.silentSinceMs(7, 1)).toBe(startMs);
  });

  it("of an incarnation newer than the row is not known", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    expect(cache.silentSinceMs(0, pod.incarnation + 1)).toBeUndefined();
  });

  it("of the incarnation before the row's is remembered", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    pod.fallSilent();
    await world.clock.advance(8000);
    const provenAtMs = cache.silentSinceMs(0, pod.incarnation)!;
    await world.pod(0);
    expect(cache.silentSinceMs(0, pod.incarnation)).toBe(provenAtMs);
  });

  it("of each incarnation before the row's is remembered, however many followed", async () => {
    const first = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    first.fallSilent();
    await world.clock.advance(1000);
    const provenAtMs = cache.silentSinceMs(0, first.incarnation)!;
    for (let life = 0; life < 5; life += 1) {
      (await world.pod(0)).fallSilent();
      await world.clock.advance(3000);
    }
    expect(cache.silentSinceMs(0, first.incarnation)).toBe(provenAtMs);
  });

  it("of a life that was never seen is at the latest the first sight of the next", async () => {
    await world.clock.advance(10);
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const startMs = world.clock.nowMs();
    await world.clock.advance(5000);
    expect(cache.silentSinceMs(0, 1)).toBe(startMs);
  });

  it("of a pod whose row is gone is kept", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    await world.clock.advance(1001);
    const cut = world.clock.nowMs();
    world.memory.flushAll();
    pod.fallSilent();
    await world.clock.advance(30_000);
    expect(cache.pods()).toEqual([]);
    expect(cache.silentSinceMs(0, pod.incarnation)).toBeLessThanOrEqual(cut);
    expect(cache.silentSinceMs(0, pod.incarnation)).toBeGreaterThan(cut - 5000);
    expect(cache.silentSinceMs(0, pod.incarnation + 5)).toBe(cache.knownSinceMs);
  });
});

describe("panic", () => {
  async function service(count: number): Promise<Awaited<ReturnType<World["pod"]>>[]> {
    const pods = [];
    for (let podIndex = 0; podIndex < count; podIndex += 1) pods.push(await world.pod(podIndex));
    return pods;
  }

  it("three of five silent within one lease: the store is the suspect, before the first lease is over", async () => {
    const pods = await service(5);
    const cache = world.cache();
    await cache.init();
    expect(cache.panic()).toBe(false);
    for (const pod of pods.slice(0, 3)) pod.fallSilent();
    await world.clock.advance(7000);
    expect(cache.alivePods()).toHaveLength(5);
    expect(cache.panic()).toBe(true);
    expect(cache.panicSinceMs()).toBeGreaterThan(world.clock.nowMs());
    await world.clock.advance(2 * LEASE_MS);
    expect(cache.panicSinceMs()).toBeLessThan(world.clock.nowMs());
    for (const pod of pods.slice(0, 3)) pod.speak();
    await world.clock.advance(5000);
    expect(cache.panic()).toBe(false);
  });

  it("two of three are too few", async () => {
    const pods = await service(3);
    const cache = world.cache();
    await cache.init();
    for (const pod of pods.slice(0, 2)) pod.fallSilent();
    await world.clock.advance(12_000);
    expect(cache.panic()).toBe(false);
  });

  it("three of six are no more than half", async () => {
    const pods = await service(6);
    const cache = world.cache();
    await cache.init();
    for (const pod of pods.slice(0, 3)) pod.fallSilent();
    await world.clock.advance(12_000);
    expect(cache.panic()).toBe(false);
  });

  it("pods that fell silent one after the other, a lease apart, are believed dead", async () => {
    const pods = await service(5);
    const cache = world.cache();
    await cache.init();
    for (const pod of pods.slice(0, 3)) {
      pod.fallSilent();
      await world.clock.advance(LEASE_MS + 4000);
      expect(cache.panic()).toBe(false);
    }
  });

  it("goodbyes don't count, however many", async () => {
    const pods = await service(5);
    const cache = world.cache();
    await cache.init();
    for (const pod of pods.slice(0, 4)) await pod.leave();
    await world.clock.advance(12_000);
    expect(cache.panic()).toBe(false);
  });

  it("readings that fail make nobody silent", async () => {
    await service(5);
    const cache = world.cache();
    expect(cache.panic()).toBe(false);
    await cache.init();
    world.line.cut();
    await world.clock.advance(30_000);
    expect(cache.panic()).toBe(false);
  });
});
