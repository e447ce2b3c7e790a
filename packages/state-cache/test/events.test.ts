import type { PodChange } from "@podlink/state-cache";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { makeWorld, told } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

describe("fault 13: events", () => {
  it("come at every change, in order, with no previous state at first sight", async () => {
    const cache = world.cache();
    const changes = world.changesOf(cache);
    await cache.init();
    const pod = await world.pod(0, { serviceState: "Pending" });
    await pod.say({ serviceState: "Ready" });
    await pod.say({ loadScore: 99 });
    await pod.say({ loadScore: 10 });
    await pod.say({ routingState: "DenyNewCall" });
    await pod.say({ address: { host: "10.0.0.9", httpPort: 80 } });
    await pod.leave();
    expect(changes.map(told)).toEqual([
      "0: first -> alive",
      "0: alive -> routable",
      "0: routable -> available",
      "0: available -> routable",
      "0: routable -> available",
      "0: available -> available",
      "0: available -> gone",
    ]);
    expect("previous" in changes[0]!).toBe(false);
    for (const [index, change] of changes.slice(1).entries()) expect(change.previous).toEqual(changes[index]?.current);
    expect(changes[5]?.current.row.address).toEqual({ host: "10.0.0.9", httpPort: 80 });
  });

  it("don't come when only the load moves", async () => {
    const pod = await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const changes = world.changesOf(cache);
    await pod.say({ loadScore: 50, linkCount: 1000 });
    await cache.refresh();
    expect(cache.pod(0)?.row.linkCount).toBe(1000);
    expect(changes).toEqual([]);
  });

  it("tell of another life of a pod", async () => {
    await world.pod(0);
    const cache = world.cache();
    await cache.init();
    const changes = world.changesOf(cache);
    await world.clock.advance(10);
    const again = await world.pod(0);
    expect(changes.map(({ current }) => current.row.incarnation)).toEqual([again.incarnation]);
  });

  it("reach all listeners, whatever one of them throws", async () => {
    const cache = world.cache();
    await cache.init();
    const heard: string[] = [];
    cache.onChange(() => heard.push("one"));
    cache.onChange(() => {
      throw new Error("no");
    });
    cache.onChange(() => heard.push("three"));
    await world.pod(0);
    expect(heard).toEqual(["one", "three"]);
    expect(cache.isAvailable(0)).toBe(true);
    expect(world.logger.entries.map((entry) => entry.message)).toContain("a listener threw");
  });

  it("end with the subscription", async () => {
    const cache = world.cache();
    await cache.init();
    const heard: number[] = [];
    const subscription = cache.onChange((change) => heard.push(change.podIndex));
    await world.pod(0);
    subscription.close();
    subscription.close();
    await world.pod(1);
    expect(heard).toEqual([0]);
  });

  it("keep their order for everybody when a listener sets off another change", async () => {
    const cache = world.cache();
    await cache.init();
    const pod = await world.pod(0, { serviceState: "Pending" });
    const first: string[] = [];
    const second: string[] = [];
    const done: Promise<void>[] = [];
    cache.onChange((change) => {
      first.push(told(change));
      if (change.current.routable) done.push(pod.say({ routingState: "DenyNewCall" }));
    });
    cache.onChange((change) => second.push(told(change)));
    await pod.say({ serviceState: "Ready" });
    await Promise.all(done);
    expect(first).toEqual(["0: alive -> routable", "0: routable -> available"]);
    expect(second).toEqual(first);
  });

  it("find the cache as they say it is", async () => {
    const cache = world.cache();
    await cache.init();
    const seen: boolean[] = [];
    cache.onChange(({ podIndex, current }: PodChange) => {
      seen.push(cache.isAvailable(podIndex) === current.available, cache.isRoutable(podIndex) === current.routable);
    });
    const pod = await world.pod(0);
    await pod.say({ routingState: "Shutdown" });
    pod.fallSilent();
    await world.clock.advance(15_000);
    expect(seen).toHaveLength(6);
    expect(seen).not.toContain(false);
  });

  it("a listener may close the cache", async () => {
    const cache = world.cache();
    await cache.init();
    cache.onChange(() => cache.close());
    await world.pod(0);
    await world.clock.advance(5000);
    expect(cache.isAvailable(0)).toBe(false);
  });
});
