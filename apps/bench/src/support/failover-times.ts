/**
 * The times of `failover`, in milliseconds. A lease of 1 s is about the least: three heartbeats have to fit into what the margin leaves of
 * it; a silence, a reading and a command's time-out into all of it. The grace is as long as the lease, as by default.
 */
export const failoverTimes = {
  heartbeatIntervalMs: 100,
  leaseMs: 1000,
  leaseMarginMs: 100,
  graceMs: 1000,
} as const;
