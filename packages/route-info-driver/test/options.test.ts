import * as api from "@podlink/route-info-driver";
import { RouteError } from "@podlink/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { World } from "./world.ts";
import { makeWorld } from "./world.ts";

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

describe("options", () => {
  it("have these defaults", () => {
    const { settings } = world.driver();
    expect(settings).toEqual({
      stateRefreshMs: 2000,
      silenceMs: 4500,
      staleWhileDownMs: 300_000,
      overloadScore: 95,
      slowStartMs: 30_000,
      commandTimeoutMs: 500,
      linkInfoCacheTimeSecs: 300,
      stateCache: true,
      eventNotification: true,
      placement: { strict: false },
      balancer: "power-of-two",
    });
    expect(Object.isFrozen(settings)).toBe(true);
  });

  it("linkInfoCacheTimeSecs is what getLinkInfoCacheTimeSecs answers", () => {
    expect(world.driver().getLinkInfoCacheTimeSecs()).toBe(300);
    expect(world.driver({ linkInfoCacheTimeSecs: 60 }).getLinkInfoCacheTimeSecs()).toBe(60);
  });

  it("those of the state cache reach it", () => {
    const own = {
      stateRefreshMs: 100,
      silenceMs: 300,
      staleWhileDownMs: 1000,
      overloadScore: 80,
      slowStartMs: 0,
      commandTimeoutMs: 200,
    };
    const driver = world.driver({ ...own, stateCache: false, eventNotification: false });
    expect(driver.service("room").cache.settings).toEqual({ ...own, enabled: false, push: false });
  });

  it.each([
    [{ linkInfoCacheTimeSecs: -1 }, "routeInfo.linkInfoCacheTimeSecs"],
    [{ stateCache: "off" }, "routeInfo.stateCache"],
    [{ eventNotification: 0 }, "routeInfo.eventNotification"],
    [{ placement: { strickt: true } }, "routeInfo.placement.strickt"],
    [{ balancer: "random" }, "power-of-two"],
    [{ overloadScore: 200 }, "routeInfo.overloadScore"],
    [{ push: true }, "push"],
  ])("fault 23: %o is refused with its path", (options, path) => {
    expect(() => world.driver(options as api.RouteInfoOptions)).toThrow(RouteError);
    expect(() => world.driver(options as api.RouteInfoOptions)).toThrow(path);
  });

  it("the public names are these", () => {
    expect(Object.keys(api).toSorted()).toEqual(["RouteInfoDriver", "createRouteInfoDriver", "routeInfoEntries"]);
  });

  it("a driver without ports of time and chance uses those of the process", async () => {
    const driver = new api.RouteInfoDriver({ directory: world.memory, catalogue: world.memory, namespace: "prod" });
    await world.pod(0);
    expect(await driver.alivePods("room")).toEqual([0]);
    await driver.close();
  });
});
