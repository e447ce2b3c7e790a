/** Everything in proportion, as short as processes that share a small machine can keep. */
const short = {
  server: {
    heartbeatIntervalMs: 300,
    leaseMs: 4000,
    leaseMarginMs: 400,
    propagationMs: 500,
    handOffTimeoutMs: 5000,
    verifyIntervalMs: 1000,
    cpuFactor: 0, // they share one processor with the test: it would tell nothing
  },
  client: { leaseMs: 4000, leaseMarginMs: 400, failover: { graceMs: 1000 } },
  routes: { stateRefreshMs: 200, silenceMs: 700 },
};

/** With `TIMES=short` those of tests: a failover takes seconds. Undefined: podlink's own. */
export const times: typeof short | undefined = process.env["TIMES"] === "short" ? short : undefined;
