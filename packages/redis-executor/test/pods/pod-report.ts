import type { Heartbeat, PodReport, Registration } from "@podlink/types";

/** What an ordinary pod reports. */
export function podReport(changes: Partial<PodReport> = {}): PodReport {
  return {
    serviceState: "Ready",
    routingState: "Ready",
    loadState: 0,
    loadScore: 10,
    linkCount: 0,
    leaseMs: 10_000,
    address: { host: "10.0.0.1", httpPort: 3000 },
    weight: 1,
    metadata: {},
    ...changes,
  };
}

/** The first registration of pod 0 of `prod/room`. */
export function registration(changes: Partial<Registration> = {}): Registration {
  return {
    namespace: "prod",
    service: "room",
    podIndex: 0,
    life: "life-a",
    takeOver: "wait",
    generation: "generation",
    report: podReport(),
    ...changes,
  };
}

/** The first report of pod 0 of `prod/room`. */
export function heartbeat(incarnation: number, changes: Partial<Heartbeat> = {}): Heartbeat {
  return {
    namespace: "prod",
    service: "room",
    podIndex: 0,
    life: "life-a",
    incarnation,
    reportNumber: 1,
    report: podReport(),
    ...changes,
  };
}
