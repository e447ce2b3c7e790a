import { DEFAULTS, RouteError } from "@podlink/types";
import * as v from "valibot";

/** A whole number with a default, as it stands in a schema. */
export type WholeNumber = v.OptionalSchema<v.GenericSchema<number>, number>;

const wholeNumber = (fallback: number, min: number, max: number, rule: string): WholeNumber =>
  v.optional(v.pipe(v.number(rule), v.safeInteger(rule), v.minValue(min, rule), v.maxValue(max, rule)), fallback);
const wholeMs = (fallback: number, min: number): WholeNumber =>
  wholeNumber(fallback, min, Number.MAX_SAFE_INTEGER, `a whole number of milliseconds, at least ${min}`);
const within = (fallback: number, min: number, max: number): WholeNumber =>
  wholeNumber(fallback, min, max, `a whole number from ${min} to ${max}`);

/** How the states of a service's pods are kept near the caller. */
export interface StateCacheOptions {
  /** How often the pods are read, in ms; each time up to a tenth earlier, so that callers spread. Default 2000, at least 10. */
  readonly stateRefreshMs?: number | undefined;
  /** A pod that has not reported for so long is listed as silent by readings, in ms. Default 4500: two heartbeats and 500. */
  readonly silenceMs?: number | undefined;
  /**
   * How long pod states stay as last seen while the store can't be read, in ms; then no pod counts as alive.
   * Default 300000. 0: not at all.
   */
  readonly staleWhileDownMs?: number | undefined;
  /** A pod whose load score (0..100) has reached this gets no new links. Default 95. 0: none gets any. */
  readonly overloadScore?: number | undefined;
  /** A pod gets its full share of new links so long after its registration, in ms. Default 30000. 0: at once. */
  readonly slowStartMs?: number | undefined;
  /** The longest that one reading may take, in ms. Default 500. */
  readonly commandTimeoutMs?: number | undefined;
  /** Whether to subscribe to published changes. Default true. False: a change is seen at the next periodic reading. */
  readonly push?: boolean | undefined;
  /**
   * Whether to keep states at all. Default true. False: no timer and no subscription; every asynchronous question reads
   * the store, and what a reading said is forgotten after stateRefreshMs.
   */
  readonly enabled?: boolean | undefined;
}

/** {@link StateCacheOptions} with every default filled in. */
export type StateCacheSettings = {
  readonly [K in keyof StateCacheOptions]-?: Exclude<StateCacheOptions[K], undefined>;
};

/** The entries of the schema, for packages that take these options among their own. */
export const stateCacheEntries: Readonly<
  Record<
    "stateRefreshMs" | "silenceMs" | "staleWhileDownMs" | "overloadScore" | "slowStartMs" | "commandTimeoutMs",
    WholeNumber
  >
> = {
  stateRefreshMs: wholeMs(DEFAULTS.stateRefreshMs, 10),
  silenceMs: wholeMs(2 * DEFAULTS.heartbeatIntervalMs + 500, 1),
  staleWhileDownMs: wholeMs(DEFAULTS.staleWhileDownMs, 0),
  overloadScore: within(DEFAULTS.overloadScore, 0, 101),
  slowStartMs: wholeMs(30_000, 0),
  commandTimeoutMs: wholeMs(DEFAULTS.commandTimeoutMs, 1),
};

export const stateCacheOptions: v.GenericSchema<StateCacheOptions, StateCacheSettings> = v.strictObject({
  ...stateCacheEntries,
  push: v.optional(v.boolean("true or false"), true),
  enabled: v.optional(v.boolean("true or false"), true),
});

/** How many links a cache keeps, and for how long. */
export interface LinkCacheOptions {
  /** The most entries; beyond it the least useful one goes. Default 100000, at least 1. */
  readonly maxCachedLinks?: number | undefined;
  /** For how many entries the Link object is kept once it was asked for. Default 10000. 0: none. */
  readonly hotEntries?: number | undefined;
  /** Links are asked for again after this many seconds, less a fifth. Default 300. 0: at every call. */
  readonly linkInfoCacheTimeSecs?: number | undefined;
}

export type LinkCacheSettings = { readonly [K in keyof LinkCacheOptions]-?: Exclude<LinkCacheOptions[K], undefined> };

export const linkCacheEntries: Readonly<Record<keyof LinkCacheOptions, WholeNumber>> = {
  maxCachedLinks: within(100_000, 1, 16_777_216),
  hotEntries: within(10_000, 0, 16_777_216),
  linkInfoCacheTimeSecs: within(DEFAULTS.linkInfoCacheTimeSecs, 0, 31_536_000),
};

export const linkCacheOptions: v.GenericSchema<LinkCacheOptions, LinkCacheSettings> = v.strictObject(linkCacheEntries);

/**
 * Refuses times under which a living pod would look dead: a silence must be seen, and a failing reading noticed, before
 * the lease is over. For whoever knows the lease of the pods beforehand.
 * @throws RouteError CONFIG
 */
export function checkReadingTimes(
  times: Pick<StateCacheSettings, "silenceMs" | "stateRefreshMs" | "commandTimeoutMs">,
  leaseMs: number,
): void {
  const neededMs = times.silenceMs + times.stateRefreshMs + times.commandTimeoutMs;
  if (neededMs < leaseMs) return;
  throw new RouteError(
    "CONFIG",
    `silenceMs + stateRefreshMs + commandTimeoutMs must be below leaseMs; got ${times.silenceMs} + ${times.stateRefreshMs} + ${times.commandTimeoutMs} = ${neededMs}, leaseMs ${leaseMs}`,
  );
}
