import type { LoadBalancer } from "@podlink/types";
import { RouteError } from "@podlink/types";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { makeWorld, seeded } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

const failsWith =
  (code: string) =>
  (error: unknown): boolean =>
    RouteError.is(error) && error.code === code;

describe("the best pod", () => {
  it("of a service nobody registered in: SERVICE_NOT_FOUND", async () => {
    await expect(world.driver().getServiceBestPod("room")).rejects.toSatisfy(failsWith("SERVICE_NOT_FOUND"));
  });

  it("of a service whose pods can't take anybody: NO_ROUTABLE_POD", async () => {
    await world.pod(0, { serviceState: "Pending" });
    await world.pod(1);
    await world.leave(1);
    await expect(world.driver().getServiceBestPod("room")).rejects.toSatisfy(failsWith("NO_ROUTABLE_POD"));
  });

  it("is never one that is not routable, whatever the pods say, while one is", async () => {
    const anyPod = fc.record({
      serviceState: fc.constantFrom("Ready", "NotReady", "Failed", "Pending", "Terminating", "Unknown"),
      routingState: fc.constantFrom("Ready", "DenyNewCall", "Shutdown", "Unknown"),
      loadScore: fc.integer({ min: 0, max: 100 }),
      linkCount: fc.nat(1000),
      weight: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyPod, { minLength: 1, maxLength: 8 }), fc.nat(8), async (pods, except) => {
        const own = makeWorld();
        for (const [podIndex, pod] of pods.entries()) await own.pod(podIndex, pod);
        const driver = own.driver({}, { random: Math.random });
        const routes = driver.service("room");
        await routes.init();
        const routable = (await driver.routablePods("room")).filter((podIndex) => podIndex !== except);
        const available = routes.cache.pods().filter((pod) => pod.available && pod.row.podIndex !== except);
        for (let turn = 0; turn < 20; turn += 1) {
          const best = routes.best({ except });
          if (routable.length > 0) expect(routable).toContain(best?.row.podIndex);
          else if (available.length > 0) {
            const least = Math.min(...available.map((pod) => pod.row.loadScore));
            expect(best).toMatchObject({ available: true, row: { loadScore: least } });
          } else expect(best).toBeUndefined();
          if (best !== undefined) expect(best.row.podIndex).not.toBe(except);
        }
        await own.close();
      }),
      { numRuns: 60 },
    );
  });

  it("an overloaded pod gets nobody while another has room", async () => {
    await world.pod(0, { loadScore: 95 });
    await world.pod(1, { loadScore: 94, linkCount: 10_000 });
    const routes = world.driver().service("room");
    await routes.init();
    for (let turn = 0; turn < 50; turn += 1) expect(routes.best()?.row.podIndex).toBe(1);
  });

  it("with all of them overloaded is the least loaded that is available, counted and told", async () => {
    await world.pod(0, { loadScore: 99 });
    await world.pod(1, { loadScore: 96 });
    await world.pod(2, { loadScore: 95, serviceState: "NotReady" });
    const driver = world.driver();
    expect((await driver.getServiceBestPod("room")).row.podIndex).toBe(1);
    expect(driver.read()["overloadedPodsChosen"]).toBe(1);
    expect(world.observer.events).toEqual([
      { kind: "overloaded-pod-chosen", namespace: "prod", service: "room", podIndex: 1 },
    ]);
  });

  it("with all of them equally overloaded is any of them", async () => {
    for (let podIndex = 0; podIndex < 3; podIndex += 1) await world.pod(podIndex, { loadScore: 96 });
    const routes = world.driver({}, { random: seeded(3) }).service("room");
    await routes.init();
    const chosen = new Set(Array.from({ length: 60 }, () => routes.best()?.row.podIndex));
    expect(chosen).toEqual(new Set([0, 1, 2]));
  });

  it("fault 23: strict placement chooses no overloaded pod", async () => {
    await world.pod(0, { loadScore: 99 });
    const driver = world.driver({ placement: { strict: true } });
    await expect(driver.getServiceBestPod("room")).rejects.toSatisfy(failsWith("NO_ROUTABLE_POD"));
    expect(driver.read()).toMatchObject({ overloadedPodsChosen: 0, noPodChosen: 1 });
  });

  it("by its index alone is the same choice, and counts as a placement there", async () => {
    await world.pod(4);
    await world.pod(9);
    const driver = world.driver();
    const routes = driver.service("room");
    await routes.init();
    const chosen = Array.from({ length: 10 }, () => routes.bestIndex());
    expect(chosen.filter((podIndex) => podIndex === 4)).toHaveLength(5);
    expect(chosen.filter((podIndex) => podIndex === 9)).toHaveLength(5);
    expect(routes.bestIndex({ except: 9 })).toBe(4);
    expect(driver.read()["placements"]).toBe(11);
  });

  it("is never the excepted one, not even as the last", async () => {
    await world.pod(0);
    const routes = world.driver().service("room");
    await routes.init();
    expect(routes.best({ except: 0 })).toBeUndefined();
    expect(routes.best({ except: 7 })?.row.podIndex).toBe(0);
  });

  it("is preferably one of a higher index that registered later", async () => {
    const third = await world.pod(3);
    for (const podIndex of [0, 1]) {
      await world.clock.advance(10);
      await world.pod(podIndex);
    }
    await world.pod(4, { linkCount: 1e6 });
    await world.pod(5, { linkCount: 1e6, loadScore: 99 });
    const routes = world.driver().service("room");
    await routes.init();
    const restartedBefore = { podIndex: 3, incarnation: third };
    for (let turn = 0; turn < 20; turn += 1) {
      expect(routes.best({ restartedBefore })?.row.podIndex).toBe(4);
      expect([0, 1, 3]).toContain(routes.best({ restartedBefore, except: 4 })?.row.podIndex);
      expect([0, 1]).toContain(
        routes.best({ restartedBefore: { podIndex: 4, incarnation: 0 }, except: 3 })?.row.podIndex,
      );
    }
    await world.clock.advance(10);
    await world.pod(6, { linkCount: 1e9 });
    expect(routes.best({ restartedBefore: { podIndex: 4, incarnation: third } })?.row.podIndex).toBe(6);
  });

  it("fault 22: callers that see the same state don't all choose the same pod", async () => {
    for (let podIndex = 0; podIndex < 10; podIndex += 1) await world.pod(podIndex);
    const chosen = new Set<number | undefined>();
    for (let caller = 1; caller <= 30; caller += 1) {
      const routes = world.driver({}, { random: seeded(caller * 7919) }).service("room");
      await routes.init();
      chosen.add(routes.best()?.row.podIndex);
    }
    expect(chosen.size).toBeGreaterThan(4);
  });

  it("makes no call", async () => {
    await world.pod(0);
    const routes = world.driver().service("room");
    await routes.init();
    const calls = world.line.totalCalls;
    for (let turn = 0; turn < 100; turn += 1) routes.best();
    expect(world.line.totalCalls).toBe(calls);
  });
});

describe("the balancer", () => {
  it("fault 23: is the one that the option names", async () => {
    for (let podIndex = 0; podIndex < 4; podIndex += 1) await world.pod(podIndex, { linkCount: podIndex * 1000 });
    const turns = (routes: { best(): { row: { podIndex: number } } | undefined }): (number | undefined)[] =>
      Array.from({ length: 8 }, () => routes.best()?.row.podIndex);
    const robin = world.driver({ balancer: "round-robin" }).service("room");
    await robin.init();
    const inTurn = turns(robin);
    expect(new Set(inTurn.slice(0, 4)).size).toBe(4);
    expect(inTurn.slice(4)).toEqual(inTurn.slice(0, 4));
    const two = world.driver({}, { random: seeded(5) }).service("room");
    await two.init();
    expect(turns(two)).not.toContain(3);
  });

  it("may be one's own, and hears what became of its choices", async () => {
    await world.pod(3);
    const settled: string[] = [];
    const own: LoadBalancer = {
      select: ({ count }) => (count === 0 ? undefined : 0),
      settled: (podIndex, outcome) => settled.push(`${podIndex} ${outcome}`),
    };
    const services: string[] = [];
    const routes = world.driver({}, { balancer: (service) => (services.push(service), own) }).service("room");
    await routes.init();
    expect(routes.best()?.row.podIndex).toBe(3);
    routes.settled(3, "lost");
    expect(settled).toEqual(["3 lost"]);
    expect(services).toEqual(["room"]);
  });

  it.each([17, 5, 1, -1, 0.5, Number.NaN])("that answers nonsense (%d of one pod) chooses nobody", async (nonsense) => {
    await world.pod(0);
    await world.pod(1); // stays where it was in the arrays
    const driver = world.driver({ placement: { strict: true } }, { balancer: () => ({ select: () => nonsense }) });
    const routes = driver.service("room");
    await routes.init();
    await world.leave(1);
    expect(routes.cache.routable().count).toBe(1);
    expect([routes.best(), routes.bestIndex()]).toEqual([undefined, undefined]);
    expect(driver.read()).toMatchObject({ placements: 0, noPodChosen: 2 });
    routes.settled(0, "placed");
  });
});
