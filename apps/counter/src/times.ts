/** In tests a failover takes seconds, everything in proportion. */
const short = {
  server: {
    heartbeatIntervalMs: 300,
    leaseMs: 3000,
    leaseMarginMs: 300,
    propagationMs: 300,
    handOffTimeoutMs: 1000,
    verifyIntervalMs: 1000,
  },
  client: { leaseMs: 3000, leaseMarginMs: 300, failover: { graceMs: 1000 } },
  routes: { stateRefreshMs: 200, silenceMs: 700 },
};

/** With `TIMES=short` those of tests. Undefined: podlink's own. */
export const times: typeof short | undefined = process.env["TIMES"] === "short" ? short : undefined;
