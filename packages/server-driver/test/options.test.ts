import { RouteError } from "@podlink/types";
import { expect, test } from "vitest";
import { ServerDriver } from "../src/index.ts";
import { world } from "./support/world.ts";

const w = world();

function refusal(options: Record<string, unknown>): string {
  try {
    w.pod(0, options);
  } catch (error) {
    if (RouteError.is(error) && error.code === "CONFIG") return error.message;
    throw error;
  }
  return "accepted";
}

test.each([
  ["namespace", { namespace: "No" }],
  ["service", { service: "" }],
  ["podIndex", { podIndex: -1 }],
  ["podIndex", { podIndex: 65_536 }],
  ["address.host", { address: { host: "a b" } }],
  ["address.httpPort", { address: { host: "a", httpPort: 0 } }],
  ["weight", { weight: 0 }],
  ["metadata", { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, "v"])) }],
  ["leaseMs", { leaseMs: 1.5 }],
  ["takeOver", { takeOver: "later" }],
  ["whenStoreDown", { whenStoreDown: "hope" }],
  ["cpuFactor", { cpuFactor: 1.1 }],
  ["overloadScore", { overloadScore: 0 }],
  ["workload.minReady", { workload: { minReady: 0 } }],
  ["stop.deadlineMs", { stop: { deadlineMs: -1 } }],
  ["drainRatePerSecond", { drainRatePerSecond: 0 }],
])("a bad %s is refused by name", (path, options) => {
  expect(refusal(options)).toContain(`serverDriver.${path}:`);
});

test("fault 23: an unknown option is refused, at every level", () => {
  expect(refusal({ leaseTime: 1 })).toContain("serverDriver.leaseTime");
  expect(refusal({ stop: { deadline: 1 } })).toContain("serverDriver.stop.deadline");
  expect(refusal({ workload: { min: 1 } })).toContain("serverDriver.workload.min");
  expect(refusal({ address: { host: "a", port: 1 } })).toContain("serverDriver.address.port");
});

test("three heartbeats that don't fit into the lease are refused", () => {
  expect(refusal({ heartbeatIntervalMs: 301, leaseMs: 1000, leaseMarginMs: 100 })).toContain("three heartbeats");
  expect(refusal({ heartbeatIntervalMs: 300, leaseMs: 1000, leaseMarginMs: 100 })).toBe("accepted");
});

test("a margin below 5 % of the lease is refused", () => {
  expect(refusal({ leaseMs: 1000, leaseMarginMs: 49 })).toContain("5 %");
  expect(refusal({ leaseMs: 1000, leaseMarginMs: 50 })).toBe("accepted");
});

test("a deadline shorter than propagation and one hand-off is refused", () => {
  expect(refusal({ propagationMs: 200, handOffTimeoutMs: 500, stop: { deadlineMs: 699 } })).toContain(
    "stop.deadlineMs",
  );
  expect(refusal({ propagationMs: 200, handOffTimeoutMs: 500, stop: { deadlineMs: 700 } })).toBe("accepted");
});

test("only namespace, service and podIndex are needed", () => {
  const { driver } = w.pod(0);
  expect(driver).toBeInstanceOf(ServerDriver);
  expect(refusal({ namespace: undefined })).toContain("namespace");
});

test("fault 23: linkInfoCacheTimeSecs is how long the reservation of a move lasts", async () => {
  const w2 = world();
  const { driver } = await w2.running(0, { linkInfoCacheTimeSecs: 7 });
  await w2.running(1);
  await driver.guard("ann");
  const stopped = driver.stop();
  await w2.clock.advance(500);
  await stopped;
  const link = await w2.link("ann");
  expect(link?.podIndex).toBe(1);
  expect(link?.expiresInMs).toBeGreaterThan(6000);
  expect(link?.expiresInMs).toBeLessThanOrEqual(7000);
});
