import type { ServiceStateCache } from "@podlink/state-cache";
import { propertyRuns } from "@podlink/testkit";
import { RouteError } from "@podlink/types";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { LEASE_MS, makeWorld } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

const isCertain = (cache: ServiceStateCache, podIndex: number): boolean => cache.certainPods.byIndex[podIndex] === true;

describe("a pod is certain", () => {
  it("from the first reading on, while it is available", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    expect(isCertain(cache, 0)).toBe(false);
    await cache.init();
    expect([isCertain(cache, 0), isCertain(cache, 1)]).toEqual([true, false]);
    await pod.say({ serviceState: "NotReady" });
    expect(isCertain(cache, 0)).toBe(false);
    await pod.say({ serviceState: "Ready" });
    expect(isCertain(cache, 0)).toBe(true);
    await pod.leave();
    expect(isCertain(cache, 0)).toBe(false);
  });

  it("no longer when its lease is over", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    pod.fallSilent();
    await world.clock.advance(LEASE_MS + 3000);
    expect(isCertain(cache, 0)).toBe(false);
  });

  it("not while readings fail, though it stays available; again when they work", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    world.line.cut();
    await world.clock.advance(3000);
    expect([cache.isAvailable(0), isCertain(cache, 0)]).toEqual([true, false]);
    world.line.heal();
    await world.clock.advance(3000);
    expect([cache.isAvailable(0), isCertain(cache, 0)]).toEqual([true, true]);
    await pod.say({ serviceState: "Failed" });
    expect(isCertain(cache, 0)).toBe(false);
  });

  it("not when it is seen for the first time by a push while readings fail", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const failing = world.line.on("readPods", () => {
      throw new Error("not allowed to read pods");
    });
    await world.clock.advance(3000);
    await world.pod(40); // beyond the array's length
    expect(cache.isAvailable(40)).toBe(true);
    expect([isCertain(cache, 0), isCertain(cache, 40)]).toEqual([false, false]);
    failing.close();
    await world.clock.advance(3000);
    expect([isCertain(cache, 0), isCertain(cache, 40)]).toEqual([true, true]);
  });

  it("whatever its index is, and others stay so", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    for (const podIndex of [15, 16, 31, 64, 65_535]) {
      await world.pod(podIndex);
      expect([isCertain(cache, 0), isCertain(cache, podIndex)]).toEqual([true, true]);
    }
    expect(isCertain(cache, 66)).toBe(false);
  });

  it("never without a cache: what was read is forgotten by itself", async () => {
    await world.pod(0);
    const cache = world.cache({ enabled: false });
    await cache.init();
    expect([cache.isAvailable(0), isCertain(cache, 0)]).toEqual([true, false]);
  });

  it("never of a service that rests, nor of a cache that was closed", async () => {
    const resting = world.cache();
    await resting.refresh();
    expect(resting.resting).toBe(true);
    expect(isCertain(resting, 0)).toBe(false);
    await world.pod(0);
    const closed = world.cache();
    await closed.init();
    closed.close();
    expect([closed.isAvailable(0), isCertain(closed, 0)]).toEqual([false, false]);
  });

  // Where an answer is waited for by one promise after the other, closing falls between any two of them.
  it.each([0, 1, 2, 3, 4, 5, 6])(
    "never when it was closed %i microtasks after the answer of a reading",
    async (hops) => {
      await world.pod(0);
      const cache = world.cache();
      const { store } = world.line;
      const readPods = store.readPods.bind(store);
      store.readPods = async (...asked) => {
        const answer = await readPods(...asked);
        const closeAfter = (left: number): void =>
          left === 0 ? cache.close() : queueMicrotask(() => closeAfter(left - 1));
        closeAfter(hops);
        return answer;
      };
      const outcome = await cache.init().then(
        () => "read",
        (error: unknown) => (RouteError.is(error) ? error.code : error),
      );
      expect(["read", "CLOSED"]).toContain(outcome);
      await world.clock.advance(0);
      expect([cache.warm, cache.isAvailable(0), isCertain(cache, 0)]).toEqual([false, false, false]);
      expect(world.clock.pendingTimers).toBe(1); // the pod's own
    },
  );
});

const step = fc.record({
  kind: fc.constantFrom(
    "ready",
    "not-ready",
    "silence",
    "speak",
    "leave",
    "come",
    "cut",
    "heal",
    "unreadable",
    "readable",
  ),
  pod: fc.nat(2),
  thenMs: fc.constantFrom(0, 20, 300, 2100, 9000),
});

it("whatever happens: certain is who is available while readings work, and nobody else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), fc.boolean(), async (steps, enabled) => {
      const here = makeWorld();
      const indexes = [0, 7, 300];
      const pods = await Promise.all(indexes.map((podIndex) => here.pod(podIndex)));
      const cache = here.cache({ enabled, staleWhileDownMs: 5000 });
      await cache.init();
      let unreadable: { close(): void } | undefined;
      for (const { kind, pod: at, thenMs } of steps) {
        const pod = pods[at]!;
        if (kind === "ready") await pod.say({ serviceState: "Ready" });
        else if (kind === "not-ready") await pod.say({ serviceState: "NotReady" });
        else if (kind === "silence") pod.fallSilent();
        else if (kind === "speak") {
          pod.fallSilent(); // not two of it
          pod.speak();
        } else if (kind === "leave") await pod.leave();
        else if (kind === "come") {
          pod.fallSilent();
          pods[at] = await here.pod(indexes[at]!);
        } else if (kind === "cut") here.line.cut();
        else if (kind === "heal") here.line.heal();
        else if (kind === "unreadable") {
          unreadable ??= here.line.on("readPods", () => {
            throw new Error("not allowed to read pods");
          });
        } else {
          unreadable?.close();
          unreadable = undefined;
        }
        await here.clock.advance(thenMs);
        for (const podIndex of [...indexes, 1, 65_535]) {
          const expected = enabled && !cache.readingsFail && cache.isAvailable(podIndex);
          expect(isCertain(cache, podIndex)).toBe(expected);
        }
      }
      here.close();
    }),
    propertyRuns("certain pods", { numRuns: 100, seed: 20261128 }),
  );
}, 120_000);
