/** The times of tests: short, everything in proportion. */
export interface Times {
  readonly heartbeatIntervalMs: number;
  readonly leaseMs: number;
  readonly leaseMarginMs: number;
  readonly graceMs: number;
  readonly ratePerSecond: number;
}

/** Where everything is in one process: if that gets no turn for a lease, on a busy machine, all pods lose theirs at once. */
export const times: Times = {
  heartbeatIntervalMs: 300,
  leaseMs: 3000,
  leaseMarginMs: 300,
  graceMs: 1000,
  ratePerSecond: 200,
};

/** Where eight processes share two cores: a pod that gets no turn for a second must not lose its lease. */
export const processTimes: Times = { ...times, heartbeatIntervalMs: 300, leaseMs: 4000, leaseMarginMs: 400 };

/** How a pod is set up with them. */
export const serverWith = ({ heartbeatIntervalMs, leaseMs, leaseMarginMs }: Times) => ({
  heartbeatIntervalMs,
  leaseMs,
  leaseMarginMs,
  propagationMs: 200,
  handOffTimeoutMs: 500,
  notReadyHandOverMs: 3000,
  verifyIntervalMs: 1000,
  cpuFactor: 0, // pods share this machine's processor with the load: it would tell nothing
});

/** How pods are watched. */
export const routesWith = ({ heartbeatIntervalMs }: Times) => ({
  stateRefreshMs: 100,
  silenceMs: 2 * heartbeatIntervalMs + 50,
  slowStartMs: 1000,
});

/** How a caller is. */
export const clientWith = ({ graceMs, leaseMs, ratePerSecond }: Times) => ({
  leaseMs,
  leaseMarginMs: leaseMs / 10,
  failover: { graceMs, ratePerSecond },
  notReadyHandOverMs: 3000,
  panicMs: 2 * leaseMs,
});
