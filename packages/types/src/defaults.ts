/** The defaults that more than one package shares; each package's `options.ts` says what they do there. */
export const DEFAULTS = {
  heartbeatIntervalMs: 2000,
  leaseMs: 10_000,
  leaseMarginMs: 1000,
  stateRefreshMs: 2000,
  commandTimeoutMs: 500,
  linkInfoCacheTimeSecs: 300,
  staleWhileDownMs: 300_000,
  ownedTtlMs: 604_800_000,
  notReadyHandOverMs: 30_000,
  overloadScore: 95,
} as const;
