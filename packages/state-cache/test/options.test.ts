import * as api from "@podlink/state-cache";
import type { LinkCacheOptions, StateCacheOptions } from "@podlink/state-cache";
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
    expect(world.cache().settings).toEqual({
      stateRefreshMs: 2000,
      silenceMs: 4500,
      staleWhileDownMs: 300_000,
      overloadScore: 95,
      slowStartMs: 30_000,
      commandTimeoutMs: 500,
      push: true,
      enabled: true,
    });
    expect(Object.isFrozen(world.cache().settings)).toBe(true);
  });

  it.each([
    [{ stateRefreshMs: 0 }, "stateCache.stateRefreshMs"],
    [{ silenceMs: 1.5 }, "stateCache.silenceMs"],
    [{ staleWhileDownMs: -1 }, "stateCache.staleWhileDownMs"],
    [{ overloadScore: 102 }, "stateCache.overloadScore"],
    [{ slowStartMs: Number.NaN }, "stateCache.slowStartMs"],
    [{ commandTimeoutMs: 0 }, "stateCache.commandTimeoutMs"],
    [{ push: "yes" }, "stateCache.push"],
    [{ enabled: 1 }, "stateCache.enabled"],
    [{ stateRefresh: 2000 }, "stateRefresh"],
  ])("fault 23: %o is refused with its path", (options, path) => {
    expect(() => world.cache(options as StateCacheOptions)).toThrow(RouteError);
    expect(() => world.cache(options as StateCacheOptions)).toThrow(path);
  });

  it.each([
    [{ maxCachedLinks: 0 }, "linkCache.maxCachedLinks"],
    [{ hotEntries: -1 }, "linkCache.hotEntries"],
    [{ linkInfoCacheTimeSecs: 0.5 }, "linkCache.linkInfoCacheTimeSecs"],
    [{ max: 5 }, "max"],
  ])("fault 23: a link cache refuses %o", (options, path) => {
    const make = (): unknown => new api.LinkCache({ namespace: "prod", service: "room" }, options as LinkCacheOptions);
    expect(make).toThrow(RouteError);
    expect(make).toThrow(path);
  });

  it("a namespace or service that breaks its rule is refused", () => {
    const directory = world.memory;
    const make = (namespace: string, service: string): unknown =>
      new api.ServiceStateCache({ directory, namespace, service });
    expect(() => make("Prod", "room")).toThrow("namespace");
    expect(() => make("prod", "room/1")).toThrow("service");
  });

  it("times under which the living look dead are refused to whoever knows the lease", () => {
    const times = { silenceMs: 4500, stateRefreshMs: 2000, commandTimeoutMs: 500 };
    expect(() => api.checkReadingTimes(times, 7000)).toThrow(/silenceMs \+ stateRefreshMs \+ commandTimeoutMs.*7000/);
    expect(() => api.checkReadingTimes(times, 7001)).not.toThrow();
  });
});

it("the public names are these", () => {
  expect(Object.keys(api).toSorted()).toEqual([
    "CoarseClock",
    "LinkCache",
    "ServiceStateCache",
    "checkReadingTimes",
    "linkCacheEntries",
    "stateCacheEntries",
  ]);
});
