import { linkCacheEntries, stateCacheEntries } from "@podlink/state-cache";
import { DEFAULT_CALL_TIMEOUT_MS, DEFAULTS } from "@podlink/types";
import * as v from "valibot";

export type FailoverMode = "auto" | "never";

export interface FailoverOptions {
  /**
   * What to do with an owned link whose pod went silent. `auto`: it is moved once the lease has been over for `graceMs`.
   * `never`: it stays until the pod comes back. Default `auto`. Links of pods that say that they are gone move in both.
   */
  readonly mode?: FailoverMode | undefined;
  /** How long the lease of a silent pod must have been over, in milliseconds. Default: `leaseMs`. Not below `leaseMarginMs`. */
  readonly graceMs?: number | undefined;
  /** How many links this caller moves a second, at most; above it, POD_UNAVAILABLE with `retryAfterMs`. Default 200. */
  readonly ratePerSecond?: number | undefined;
}

export interface ClientDriverOptions {
  /**
   * How long a link made by a caller lasts until its pod takes it, in seconds. A cached link lives for 80 % of it, and of
   * what the link has left. Default 300.
   */
  readonly linkInfoCacheTimeSecs?: number | undefined;
  /** The most links kept near the caller, for each service. Default 100000. */
  readonly maxCachedLinks?: number | undefined;
  /** How many of them keep their Link object ready. 0: none. Default 10000. */
  readonly hotEntries?: number | undefined;
  readonly failover?: FailoverOptions | undefined;
  /**
   * The lease that the pods run with, in milliseconds; a pod's row, when there is one, says it better. Default 10000. Above
   * silenceMs + stateRefreshMs + commandTimeoutMs of the routes.
   */
  readonly leaseMs?: number | undefined;
  /** The margin that the pods run with, in milliseconds; only `failover.graceMs` is held against it. Default 1000. */
  readonly leaseMarginMs?: number | undefined;
  /** How long nothing is moved after most pods went silent at once, in milliseconds. 0: no pause. Default: two leases. */
  readonly panicMs?: number | undefined;
  /** How long a pod that isn't ready has to hand its users over, in milliseconds, as the pods have it. Default 30000. */
  readonly notReadyHandOverMs?: number | undefined;
  /** How long cached links are served while the store doesn't answer, in milliseconds. 0: not at all. Default 300000. */
  readonly staleWhileDownMs?: number | undefined;
  /** Longest wait of a call that doesn't say its own, in milliseconds. Default 1000. */
  readonly callTimeoutMs?: number | undefined;
  /** Longest wait for one answer of the store, in milliseconds. Default 500. */
  readonly commandTimeoutMs?: number | undefined;
}

/** The options with all defaults. */
export interface ResolvedClientDriverOptions extends Settled<Omit<ClientDriverOptions, "failover">> {
  readonly failover: Settled<FailoverOptions>;
}

type Settled<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

const wholeMs = (min: number): v.GenericSchema<number> => {
  const rule = `a whole number of milliseconds, at least ${min}`;
  return v.pipe(v.number(rule), v.safeInteger(rule), v.minValue(min, rule));
};
const MODES: readonly FailoverMode[] = ["auto", "never"];
const RATE_RULE = "a whole number of links a second, 1 to 1000000";

const entries = v.strictObject({
  ...linkCacheEntries,
  // A reservation of no length can't be made, so 0 is refused here.
  linkInfoCacheTimeSecs: v.optional(
    v.pipe(linkCacheEntries.linkInfoCacheTimeSecs.wrapped, v.minValue(1, "a whole number of seconds, at least 1")),
    DEFAULTS.linkInfoCacheTimeSecs,
  ),
  failover: v.optional(
    v.strictObject({
      mode: v.optional(v.picklist(MODES, `one of ${MODES.join(", ")}`), "auto"),
      graceMs: v.optional(wholeMs(0)),
      ratePerSecond: v.optional(
        v.pipe(v.number(RATE_RULE), v.integer(RATE_RULE), v.minValue(1, RATE_RULE), v.maxValue(1_000_000, RATE_RULE)),
        200,
      ),
    }),
    {},
  ),
  leaseMs: v.optional(wholeMs(1), DEFAULTS.leaseMs),
  leaseMarginMs: v.optional(wholeMs(0), DEFAULTS.leaseMarginMs),
  panicMs: v.optional(wholeMs(0)),
  notReadyHandOverMs: v.optional(wholeMs(0), DEFAULTS.notReadyHandOverMs),
  staleWhileDownMs: stateCacheEntries.staleWhileDownMs,
  callTimeoutMs: v.optional(wholeMs(1), DEFAULT_CALL_TIMEOUT_MS),
  commandTimeoutMs: stateCacheEntries.commandTimeoutMs,
});

/** The rules of the options; `podlink/config` composes it. */
export const clientDriverOptions: v.GenericSchema<ClientDriverOptions, ResolvedClientDriverOptions> = v.pipe(
  entries,
  v.transform((options) => ({
    ...options,
    panicMs: options.panicMs ?? 2 * options.leaseMs,
    failover: Object.freeze({ ...options.failover, graceMs: options.failover.graceMs ?? options.leaseMs }),
  })),
  // A pod serves until its lease less the margin is over: with a shorter grace two pods could hold a uid.
  v.forward(
    v.check(
      ({ failover, leaseMarginMs }) => failover.graceMs >= leaseMarginMs,
      "not below leaseMarginMs, the margin that the pods run with",
    ),
    ["failover", "graceMs"],
  ),
);
