import { parseOptions, RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import type { ClientDriverOptions } from "../src/index.ts";
import { clientDriverOptions } from "../src/index.ts";

const parse = (input: unknown) => parseOptions(clientDriverOptions, input, "clientDriver");

test("the defaults are those of the design", () => {
  expect(parse(undefined)).toEqual({
    linkInfoCacheTimeSecs: 300,
    maxCachedLinks: 100_000,
    hotEntries: 10_000,
    failover: { mode: "auto", graceMs: 10_000, ratePerSecond: 200 },
    leaseMs: 10_000,
    leaseMarginMs: 1000,
    panicMs: 20_000,
    notReadyHandOverMs: 30_000,
    staleWhileDownMs: 300_000,
    callTimeoutMs: 1000,
    commandTimeoutMs: 500,
  });
});

test("grace and panic follow the lease", () => {
  const { failover, panicMs } = parse({ leaseMs: 3000 });
  expect(failover.graceMs).toBe(3000);
  expect(panicMs).toBe(6000);
});

test("the options are frozen", () => {
  const options = parse({});
  expect(Object.isFrozen(options)).toBe(true);
  expect(Object.isFrozen(options.failover)).toBe(true);
});

test("fault 23: an option that nobody knows is refused by its name", () => {
  expect(() => parse({ maxRetryCount: 3 })).toThrow(/clientDriver\.maxRetryCount/);
  expect(() => parse({ failover: { gracems: 1 } })).toThrow(/clientDriver\.failover\.gracems/);
});

test.each<[name: string, input: unknown]>([
  ["clientDriver.linkInfoCacheTimeSecs", { linkInfoCacheTimeSecs: 0 }],
  ["clientDriver.maxCachedLinks", { maxCachedLinks: 0 }],
  ["clientDriver.hotEntries", { hotEntries: -1 }],
  ["clientDriver.failover.mode", { failover: { mode: "sometimes" } }],
  ["clientDriver.failover.graceMs", { failover: { graceMs: -1 } }],
  ["clientDriver.failover.graceMs", { failover: { graceMs: 999 } }],
  ["clientDriver.failover.ratePerSecond", { failover: { ratePerSecond: 0 } }],
  ["clientDriver.leaseMs", { leaseMs: 0 }],
  ["clientDriver.leaseMarginMs", { leaseMarginMs: -1 }],
  ["clientDriver.panicMs", { panicMs: 1.5 }],
  ["clientDriver.notReadyHandOverMs", { notReadyHandOverMs: -1 }],
  ["clientDriver.staleWhileDownMs", { staleWhileDownMs: "1" }],
  ["clientDriver.callTimeoutMs", { callTimeoutMs: 0 }],
  ["clientDriver.commandTimeoutMs", { commandTimeoutMs: 0 }],
])("a bad %s is refused by its path", (path, input) => {
  const refused = thrownBy(() => parse(input));
  expect(refused.code).toBe("CONFIG");
  expect(refused.message).toContain(path);
});

test("a grace below the margin passes where the pods run with a smaller one", () => {
  const options: ClientDriverOptions = { leaseMarginMs: 100, failover: { graceMs: 500 } };
  expect(parse(options).failover.graceMs).toBe(500);
});

function thrownBy(act: () => unknown): RouteError {
  try {
    act();
  } catch (error) {
    if (RouteError.is(error)) return error;
  }
  throw new Error("nothing was thrown");
}
