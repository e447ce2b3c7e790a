/** The times of the run, in milliseconds: proportioned as in production, but short, so that ten minutes hold many faults. */
export interface Times {
  readonly heartbeatIntervalMs: number;
  readonly leaseMs: number;
  readonly leaseMarginMs: number;
  readonly graceMs: number;
  /** Links that each gateway may replace in a second. */
  readonly ratePerSecond: number;
  /** How long a gateway waits for a pod's answer; its HTTP client looks only once a second. */
  readonly responseTimeoutMs: number;
  /** What a gateway may take for its answer beyond what it holds a request for: some commands of the store, and a pod's silence. */
  readonly answerMs: number;
  /** For how long a user tries again. */
  readonly retryMs: number;
}

export const times: Times = {
  heartbeatIntervalMs: 300,
  leaseMs: 3000,
  leaseMarginMs: 300,
  graceMs: 1000,
  ratePerSecond: 200,
  responseTimeoutMs: 1000,
  answerMs: 4000,
  retryMs: 30_000,
};

const { heartbeatIntervalMs, leaseMs, leaseMarginMs, graceMs } = times;

/** What must be over when the failover bound is: lease, grace, and a second for the pace and for those who were on their way. */
export const failoverBoundMs: number = leaseMs + graceMs + 1000;

/** From when a link store that can't be reached stops pods that hold their users: the end of a lease that was just not renewed. */
export const withoutStoreMs: number = leaseMs - leaseMarginMs - heartbeatIntervalMs;
