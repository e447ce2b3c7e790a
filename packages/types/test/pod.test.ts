import { describe, expect, it } from "vitest";
import type { PodReport, RoutingState, ServiceState } from "../src/index.ts";
import {
  checkAddress,
  checkPodReport,
  holderText,
  isAlive,
  isAvailable,
  isGoodbye,
  isRoutable,
  workloadStateOf,
} from "../src/index.ts";

const report = (serviceState: ServiceState, routingState: RoutingState, loadScore = 0): PodReport => ({
  serviceState,
  routingState,
  loadState: 0,
  loadScore,
  linkCount: 0,
  leaseMs: 1000,
  weight: 1,
  metadata: {},
});

const cases: [ServiceState, RoutingState, alive: boolean, available: boolean, routable: boolean][] = [
  ["Ready", "Ready", true, true, true],
  ["Ready", "DenyNewCall", true, true, false],
  ["Ready", "Shutdown", true, false, false],
  ["Ready", "Unknown", true, false, false],
  ["NotReady", "Ready", true, false, false],
  ["Pending", "Ready", true, false, false],
  ["Failed", "Ready", false, false, false],
  ["Terminating", "Shutdown", false, false, false],
  ["Unknown", "Ready", false, false, false],
];

describe("alive, available, routable", () => {
  it.each(cases)("a pod that is %s and %s", (serviceState, routingState, alive, available, routable) => {
    const row = report(serviceState, routingState);
    expect([isAlive(row, 0), isAvailable(row, 0), isRoutable(row, 0, 95)]).toEqual([alive, available, routable]);
  });

  it("none of them once the lease is over", () => {
    const row = report("Ready", "Ready");
    expect([isAlive(row, 999), isAvailable(row, 999), isRoutable(row, 999, 95)]).toEqual([true, true, true]);
    expect([isAlive(row, 1000), isAvailable(row, 1000), isRoutable(row, 1000, 95)]).toEqual([false, false, false]);
  });

  it("a pod at overloadScore keeps its links and gets no new one", () => {
    expect(isRoutable(report("Ready", "Ready", 94.9), 0, 95)).toBe(true);
    expect(isRoutable(report("Ready", "Ready", 95), 0, 95)).toBe(false);
    expect(isAvailable(report("Ready", "Ready", 95), 0)).toBe(true);
  });

  it("only a goodbye is a goodbye", () => {
    expect(isGoodbye(report("Terminating", "Shutdown"))).toBe(true);
    expect(isGoodbye(report("Terminating", "DenyNewCall"))).toBe(false);
    expect(isGoodbye(report("Ready", "Shutdown"))).toBe(false);
  });
});

describe("fault 12: the workload state is derived from the pods and can be Ready", () => {
  it.each([
    [1, 1, 1, "Ready"],
    [2, 3, 3, "Pending"],
    [0, 1, 1, "Pending"],
    [0, 0, 1, "NotReady"],
  ] as const)("%i available and %i alive of %i needed: %s", (available, alive, minReady, state) => {
    expect(workloadStateOf({ available, alive }, minReady)).toBe(state);
  });
});

describe("a report", () => {
  const good = report("Ready", "Ready");
  it.each([
    ["loadScore", { loadScore: 101 }],
    ["loadScore", { loadScore: Number.NaN }],
    ["loadState", { loadState: -1 }],
    ["loadState", { loadState: Number.POSITIVE_INFINITY }],
    ["weight", { weight: 0 }],
    ["leaseMs", { leaseMs: 0 }],
    ["linkCount", { linkCount: -1 }],
    ["metadata", { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, "v"])) }],
    ["metadata.k", { metadata: { k: "x".repeat(257) } }],
    ["address.host", { address: { host: "evil host\r\n" } }],
    ["address.httpPort", { address: { host: "a", httpPort: 0 } }],
    ["address.grpcPort", { address: { host: "a", grpcPort: 65_536 } }],
  ])("is refused for its %s", (field, change) => {
    expect(() => checkPodReport({ ...good, ...change })).toThrow(new RegExp(`^${field.replace(".", "\\.")} must be`));
  });

  it("passes as it is", () => {
    const full = { ...good, address: { host: "10.0.0.1", httpPort: 80, grpcPort: 81 }, metadata: { pid: "1" } };
    expect(checkPodReport(full)).toBe(full);
    expect(checkAddress({ host: "::1", httpPort: 1 })).toEqual({ host: "::1", httpPort: 1 });
  });

  it("a holder has one text", () => expect([holderText(0, undefined), holderText(3, 17)]).toEqual(["0.0", "3.17"]));
});
