import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { LEASE_MS, makeWorld, told } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

describe("silence", () => {
  it("fault 10: a pod that stops reporting disappears within a lease, and not before", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const changes = world.changesOf(cache);
    await world.clock.advance(20_001); // its last report is 1 ms ago
    pod.fallSilent();
    await world.clock.advance(LEASE_MS - 50);
    expect(cache.isAvailable(0)).toBe(true);
    await world.clock.advance(100);
    expect(cache.isAvailable(0)).toBe(false);
    expect(cache.pod(0)).toMatchObject({ alive: false });
    expect(cache.alivePods()).toEqual([]);
    expect(changes.map(told)).toEqual(["0: routable -> gone"]);
  });

  it("a pod that reports stays alive for ever", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const changes = world.changesOf(cache);
    await world.clock.advance(120_000);
    expect(cache.isAvailable(0)).toBe(true);
    expect(changes).toEqual([]);
  });

  it("fault 10: one that fell silent comes back when it reports again", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    pod.fallSilent();
    await world.clock.advance(LEASE_MS + 3000);
    expect(cache.isAvailable(0)).toBe(false);
    pod.speak();
    await world.clock.advance(5000);
    expect(cache.isAvailable(0)).toBe(true);
  });

  it("a silence that ends before the lease does changes nothing", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const changes = world.changesOf(cache);
    for (let round = 0; round < 5; round += 1) {
      pod.fallSilent();
      await world.clock.advance(6000);
      pod.speak();
      await world.clock.advance(6000);
    }
    expect(changes).toEqual([]);
  });

  it("a pod silent for long before the first reading is not alive at first sight", async () => {
    const pod = await world.pod(0);
    pod.fallSilent();
    await world.clock.advance(LEASE_MS + 1);
    const cache = world.cache();
    await cache.init();
    expect(cache.isAvailable(0)).toBe(false);
  });

  it("a pod silent for half a lease before the first reading has the other half left", async () => {
    const pod = await world.pod(0);
    pod.fallSilent();
    await world.clock.advance(6000);
    const cache = world.cache();
    await cache.init();
    await world.clock.advance(3900);
    expect(cache.isAvailable(0)).toBe(true);
    await world.clock.advance(200);
    expect(cache.isAvailable(0)).toBe(false);
  });

  it("each pod has its own lease", async () => {
    const short = await world.pod(0, { leaseMs: 8000 });
    const long = await world.pod(1, { leaseMs: 20_000 });
    const cache = world.cache();
    await cache.init();
    short.fallSilent();
    long.fallSilent();
    await world.clock.advance(8100);
    expect(cache.alivePods()).toEqual([1]);
    await world.clock.advance(12_000);
    expect(cache.alivePods()).toEqual([]);
  });

  it("a row that is gone from a complete reading is silence: gone when the lease is over", async () => {
    await world.pod(0);
    const survivor = await world.pod(1);
    const cache = world.cache();
    await cache.init();
    await world.clock.advance(10_000);
    const changes = world.changesOf(cache);
    world.memory.flushAll();
    await world.clock.advance(4000);
    expect(cache.pods()).toHaveLength(2);
    expect(cache.isAvailable(0)).toBe(true);
    survivor.fallSilent();
    await world.pod(1);
    await world.clock.advance(10_000);
    expect(cache.pods().map((pod) => pod.row.podIndex)).toEqual([1]);
    expect(cache.isAvailable(0)).toBe(false);
    expect(changes.filter((change) => change.podIndex === 0).map(told)).toEqual(["0: routable -> gone"]);
  });

  it("a pod that reported again after the last reading is not taken for dead at the end of its lease", async () => {
    const pod = await world.pod(0);
    const cache = world.cache({ stateRefreshMs: 3000 });
    await cache.init();
    const changes = world.changesOf(cache);
    pod.fallSilent();
    await world.clock.advance(7900); // it was silent at every reading
    pod.speak(); // and reports at 9900
    await world.clock.advance(10_000);
    expect(changes).toEqual([]);
  });

  it("a reading that hangs at the end of a lease ends no life", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    pod.fallSilent();
    await world.clock.advance(9000);
    world.line.hang();
    await world.clock.advance(30_000);
    expect(cache.isAvailable(0)).toBe(true);
  });

  it("one timer waits for the next end of a life, however many pods are silent", async () => {
    const pods = [];
    for (let podIndex = 0; podIndex < 50; podIndex += 1) pods.push(await world.pod(podIndex));
    const cache = world.cache();
    await cache.init();
    for (const pod of pods) pod.fallSilent();
    await world.clock.advance(6000);
    // The coarse clock, and the next reading: the periodic one, or one that confirms.
    expect(world.clock.pendingTimers).toBe(2);
  });
});

describe("the store's clock", () => {
  it("kills nobody when it steps forward", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    await world.clock.advance(10_000);
    const changes = world.changesOf(cache);
    world.clock.jumpWall(3_600_000);
    await cache.refresh();
    expect(cache.isAvailable(0)).toBe(true);
    await world.clock.advance(30_000);
    expect(cache.isAvailable(0)).toBe(true);
    expect(changes).toEqual([]);
  });

  it("kills nobody when it steps back", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    await world.clock.advance(10_000);
    const changes = world.changesOf(cache);
    world.clock.jumpWall(-3_600_000);
    await cache.refresh();
    await world.clock.advance(30_000);
    expect(cache.isAvailable(0)).toBe(true);
    expect(changes).toEqual([]);
  });

  it("keeps nobody alive when it steps back: a beat in the future proves nothing", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    await world.clock.advance(10_000);
    pod.fallSilent();
    world.clock.jumpWall(-3_600_000);
    await world.clock.advance(LEASE_MS + 4500);
    expect(cache.isAvailable(0)).toBe(false);
  });

  it("keeps a caller that starts meanwhile from believing in the dead", async () => {
    const pod = await world.pod(0);
    await world.clock.advance(10_000);
    pod.fallSilent();
    world.clock.jumpWall(-3_600_000);
    const cache = world.cache();
    await cache.init();
    expect(cache.isAvailable(0)).toBe(true); // the reading that first showed it
    await world.clock.advance(LEASE_MS + 100);
    expect(cache.isAvailable(0)).toBe(false);
  });
});

describe("many silent pods", () => {
  it("more than a reading lists: the living live, the silent go, by a lease", async () => {
    const silent = [];
    for (let podIndex = 0; podIndex < 200; podIndex += 1) silent.push(await world.pod(podIndex));
    for (let podIndex = 200; podIndex < 260; podIndex += 1) await world.pod(podIndex);
    const cache = world.cache();
    await cache.init();
    await world.clock.advance(10_001);
    for (const pod of silent) pod.fallSilent();
    for (let step = 0; step < 99; step += 1) {
      await world.clock.advance(100);
      expect(cache.alivePods()).toHaveLength(260);
    }
    await world.clock.advance(300);
    expect(cache.alivePods()).toEqual(Array.from({ length: 60 }, (_, index) => 200 + index));
    await world.clock.advance(30_000);
    expect(cache.alivePods()).toHaveLength(60);
  });

  it("a caller that starts among them sees who lives", async () => {
    const silent = [];
    for (let podIndex = 0; podIndex < 200; podIndex += 1) silent.push(await world.pod(podIndex));
    for (const pod of silent) pod.fallSilent();
    await world.pod(200);
    await world.clock.advance(20_000);
    const cache = world.cache();
    await cache.init();
    expect(cache.alivePods()).toEqual([200]);
    const before = world.line.calls.readPods;
    await world.clock.advance(10_000);
    expect(cache.alivePods()).toEqual([200]);
    expect(world.line.calls.readPods - before).toBeLessThan(7);
  });

  it("one of them that reports again is seen", async () => {
    const pods = [];
    for (let podIndex = 0; podIndex < 200; podIndex += 1) pods.push(await world.pod(podIndex));
    const cache = world.cache();
    await cache.init();
    for (const pod of pods) pod.fallSilent();
    await world.clock.advance(6000);
    pods[5]?.speak();
    await world.clock.advance(8000);
    expect(cache.alivePods()).toEqual([5]);
  });
});
