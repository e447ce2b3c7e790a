import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { makeWorld } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

describe("the pods of a service", () => {
  it("fault 1: pod 0, the only pod, is alive, available and routable", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    expect(cache.alivePods()).toEqual([0]);
    expect(cache.routablePods()).toEqual([0]);
    expect(cache.isAvailable(0)).toBe(true);
    expect(cache.isRoutable(0)).toBe(true);
    expect(cache.pod(0)?.row.podIndex).toBe(0);
    expect(Array.from(cache.routable().podIndexes).slice(0, cache.routable().count)).toEqual([0]);
  });

  it("a pod that isn't there is neither, and asking for it makes none", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    for (const podIndex of [1, 15, 16, 65_535, -1, 1.5, Number.NaN]) {
      expect(cache.isAvailable(podIndex)).toBe(false);
      expect(cache.isRoutable(podIndex)).toBe(false);
      expect(cache.pod(podIndex)).toBeUndefined();
    }
    expect(cache.pods()).toHaveLength(1);
  });

  it("pod 65535 is an ordinary pod", async () => {
    await world.pod(65_535);
    const cache = world.cache();
    await cache.init();
    expect(cache.isAvailable(65_535)).toBe(true);
  });

  it("fault 2: a draining pod keeps its users and gets no new ones", async () => {
    await world.pod(0, { routingState: "DenyNewCall" });
    const cache = world.cache();
    await cache.init();
    expect(cache.isAvailable(0)).toBe(true);
    expect(cache.isRoutable(0)).toBe(false);
    expect(cache.routable().count).toBe(0);
    expect(cache.available().count).toBe(1);
  });

  it("a pod at the overload score gets no new users", async () => {
    await world.pod(0, { loadScore: 95 });
    await world.pod(1, { loadScore: 94.9 });
    const cache = world.cache();
    await cache.init();
    expect(cache.routablePods()).toEqual([1]);
    expect(cache.isAvailable(0)).toBe(true);
  });

  it("fault 9, fault 17: what a pod reports is what the store and the cache hold", async () => {
    const report = {
      loadScore: 12,
      linkCount: 34,
      address: { host: "10.0.0.1", httpPort: 80 },
      metadata: { pid: "7" },
    };
    const pod = await world.pod(3, report);
    const cache = world.cache();
    await cache.init();
    const [row] = (await world.memory.readPods("prod", "room")).rows;
    expect(cache.pod(3)?.row).toEqual(row);
    await pod.say({ loadScore: 60, linkCount: 99 });
    await cache.refresh();
    expect(cache.pod(3)?.row).toMatchObject({ loadScore: 60, linkCount: 99 });
    const routable = cache.routable();
    expect([routable.loadScores[0], routable.linkCounts[0], routable.incarnations[0]]).toEqual([
      60,
      99,
      pod.incarnation,
    ]);
  });

  it("a service nobody registered in has no generation and no pods", async () => {
    const cache = world.cache();
    await cache.init();
    expect(cache.generation).toBeUndefined();
    expect(cache.pods()).toEqual([]);
  });

  it("no pod of another service is seen", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    expect((await world.memory.readPods("prod", "chat")).rows).toEqual([]);
    expect(cache.pods()).toHaveLength(1);
  });

  it("a goodbye stays visible as one, and is never alive", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    await pod.leave();
    expect(cache.pod(0)).toMatchObject({ goodbye: true, alive: false, available: false });
    await world.clock.advance(60_000);
    expect(cache.pod(0)).toMatchObject({ goodbye: true, alive: false });
  });

  it("a young pod warms up to its full share", async () => {
    const cache = world.cache();
    await cache.init();
    await world.pod(0);
    expect(cache.routable().warmths[0]).toBeCloseTo(0.1);
    await world.clock.advance(15_000);
    expect(cache.routable().warmths[0]).toBeCloseTo(0.5, 1);
    await world.clock.advance(20_000);
    expect(cache.routable().warmths[0]).toBe(1);
  });

  it("a pod that registered long ago is warm at first sight", async () => {
    await world.pod(0);
    await world.clock.advance(31_000);
    const cache = world.cache();
    await cache.init();
    expect(cache.routable().warmths[0]).toBe(1);
  });

  it("without a slow start every pod is warm at once", async () => {
    await world.pod(0);
    const cache = world.cache({ slowStartMs: 0 });
    await cache.init();
    expect(cache.routable().warmths[0]).toBe(1);
  });
});

describe("what a pod said", () => {
  it.each([
    ["Failed", "Ready", "gone"],
    ["Unknown", "Ready", "gone"],
    ["Terminating", "Ready", "gone"],
    ["NotReady", "Ready", "alive"],
    ["Pending", "Ready", "alive"],
    ["Ready", "Shutdown", "alive"],
    ["Ready", "Unknown", "alive"],
    ["Ready", "DenyNewCall", "available"],
    ["Ready", "Ready", "routable"],
  ] as const)("%s and %s: %s", async (serviceState, routingState, expected) => {
    await world.pod(0, { serviceState, routingState });
    const cache = world.cache();
    await cache.init();
    const { alive, available, routable } = cache.pod(0)!;
    const steps = { gone: [0, 0, 0], alive: [1, 0, 0], available: [1, 1, 0], routable: [1, 1, 1] }[expected];
    expect([alive, available, routable].map(Number)).toEqual(steps);
    expect(cache.isAvailable(0)).toBe(available);
    expect(cache.isRoutable(0)).toBe(routable);
  });

  it("since when it has not been available is counted across its incarnations", async () => {
    await world.pod(0, { serviceState: "NotReady" });
    const cache = world.cache();
    await cache.init();
    const sinceMs = cache.pod(0)?.notAvailableSinceMs;
    expect(sinceMs).toBe(world.clock.nowMs());
    await world.clock.advance(5000);
    const again = await world.pod(0, { serviceState: "Pending" });
    await world.clock.advance(5000);
    expect(cache.pod(0)).toMatchObject({ notAvailableSinceMs: sinceMs, row: { incarnation: again.incarnation } });
    await again.say({ serviceState: "Ready" });
    expect(cache.pod(0)?.notAvailableSinceMs).toBeUndefined();
  });
});
