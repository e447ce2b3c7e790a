import type { PodAddress } from "@podlink/types";
import { checkNamespace, checkPodIndex, checkService, DEFAULTS } from "@podlink/types";
import * as v from "valibot";

/** As a user writes them: everything but namespace, service and podIndex has a default. */
export interface ServerDriverOptions {
  /** The Kubernetes namespace: a DNS-1123 label. */
  readonly namespace: string;
  /** The stateful service (StatefulSet): a DNS-1123 label. */
  readonly service: string;
  /** This pod's ordinal, from 0. */
  readonly podIndex: number;
  /** Where callers reach this pod. Absent: not published yet (see `setAddress`). */
  readonly address?: PodAddress;
  /** Share of new links relative to other pods. Default 1. */
  readonly weight?: number;
  /** Where the pod runs; for people and balancers. Absent: not said. */
  readonly zone?: string;
  /** The application's version. Absent: not said. */
  readonly version?: string;
  /** At most 16 pairs of text. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Between reports. Default 2000 ms. Three of them must fit into leaseMs - leaseMarginMs. */
  readonly heartbeatIntervalMs?: number;
  /** How long the pod counts as alive after a report. Default 10000 ms; readers use the pod's own. */
  readonly leaseMs?: number;
  /** How much earlier than its readers the pod takes its lease for over. Default 1000 ms; at least 5 % of the lease. */
  readonly leaseMarginMs?: number;
  /**
   * After another process of the same pod: `wait` (default) claims nothing for one lease of the old one; `now` claims at
   * once, only where the platform guarantees that the old process is dead: else two owners may overlap, and only the token
   * separates them.
   */
  readonly takeOver?: "wait" | "now";
  /** How long an owned link lasts without its pod, as the store has it; renewed when half is gone. Default 7 days. */
  readonly ownedTtlMs?: number;
  /** Between two looks at all held links. Default 30000 ms. */
  readonly verifyIntervalMs?: number;
  /** After a drain began: the time in which the news travels and all goes on. Default 2000 ms; 0: none. */
  readonly propagationMs?: number;
  /** How many links a drain moves in a second; more when its deadline asks for it. Default 500. */
  readonly drainRatePerSecond?: number;
  /** For one uid: the longest time in which its requests end and the application saves. Default 5000 ms. */
  readonly handOffTimeoutMs?: number;
  /** Not Ready for so long: the pod hands its users over. Default 30000 ms. */
  readonly notReadyHandOverMs?: number;
  /**
   * The store is down past the lease: `refuse` (default) serves nobody; `serve` goes on with held uids, marked `fenced`, for
   * up to staleWhileDownMs: only where every write carries the token.
   */
  readonly whenStoreDown?: "refuse" | "serve";
  /** How long `serve` goes on after the last report. Default 300000 ms. Without `serve` it has no use. */
  readonly staleWhileDownMs?: number;
  /** The load state that counts as full. Default 100. */
  readonly loadCapacity?: number;
  /** The processor's part of the load score, 0 to 1; the rest is loadState / loadCapacity. Default 0.7. */
  readonly cpuFactor?: number;
  /** From this load score on callers give the pod no new links; crossing it is reported at once. Default 95. */
  readonly overloadScore?: number;
  readonly workload?: {
    /** So many available pods make the service Ready. Default 1. */
    readonly minReady?: number;
  };
  readonly stop?: {
    /** `stop` ends within this. Default 25000 ms; at least propagationMs + handOffTimeoutMs. */
    readonly deadlineMs?: number;
  };
  /** How long the reservation that a move makes lasts, in seconds. Default 300. */
  readonly linkInfoCacheTimeSecs?: number;
  /** Longest wait for one answer of the store. Default 500 ms. */
  readonly commandTimeoutMs?: number;
}

type Optional = "address" | "zone" | "version";

/** As the driver uses them: frozen, with defaults. */
export interface ServerDriverSettings
  extends Required<Omit<ServerDriverOptions, Optional | "workload" | "stop">>, Pick<ServerDriverOptions, Optional> {
  readonly workload: { readonly minReady: number };
  readonly stop: { readonly deadlineMs: number };
}

const DAY_MS = 86_400_000;
/** The margin's least share of the lease: how far two clocks may drift apart in it. */
const LEAST_MARGIN_SHARE = 0.05;

/** A whole number of milliseconds. */
const durationMs = (defaultMs: number, minMs: number, maxMs: number = DAY_MS) =>
  v.optional(
    v.pipe(
      v.number(),
      v.safeInteger("must be a whole number of milliseconds"),
      v.minValue(minMs, `must be at least ${minMs} ms`),
      v.maxValue(maxMs, `must be at most ${maxMs} ms`),
    ),
    defaultMs,
  );

const numberWithin = (defaultValue: number, min: number, max: number) =>
  v.optional(v.pipe(v.number(), v.minValue(min), v.maxValue(max)), defaultValue);

const checked = <T>(check: (value: unknown) => T, rule: string) =>
  v.custom<T>((value) => {
    try {
      check(value);
      return true;
    } catch {
      return false;
    }
  }, rule);

const port = v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)));

const address = v.strictObject({
  host: v.pipe(v.string(), v.regex(/^[A-Za-z0-9.:_-]{1,255}$/, "must be a host name or IP address")),
  httpPort: port,
  grpcPort: port,
});

const text = v.pipe(v.string(), v.maxLength(256, "must have at most 256 characters"));

const fields = v.strictObject({
  namespace: checked(checkNamespace, "must be a DNS-1123 label"),
  service: checked(checkService, "must be a DNS-1123 label"),
  podIndex: checked(checkPodIndex, "must be an integer from 0 to 65535"),
  address: v.exactOptional(address),
  weight: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(1000)), 1),
  zone: v.exactOptional(text),
  version: v.exactOptional(text),
  metadata: v.optional(v.pipe(v.record(text, text), v.maxEntries(16, "must have at most 16 pairs")), {}),
  heartbeatIntervalMs: durationMs(DEFAULTS.heartbeatIntervalMs, 10),
  leaseMs: durationMs(DEFAULTS.leaseMs, 100),
  leaseMarginMs: durationMs(DEFAULTS.leaseMarginMs, 5),
  takeOver: v.optional(v.picklist(["wait", "now"]), "wait"),
  ownedTtlMs: durationMs(DEFAULTS.ownedTtlMs, 1000, 400 * DAY_MS),
  verifyIntervalMs: durationMs(30_000, 100),
  propagationMs: durationMs(2000, 0),
  drainRatePerSecond: numberWithin(500, 1, 100_000),
  handOffTimeoutMs: durationMs(5000, 10),
  notReadyHandOverMs: durationMs(DEFAULTS.notReadyHandOverMs, 10),
  whenStoreDown: v.optional(v.picklist(["refuse", "serve"]), "refuse"),
  staleWhileDownMs: durationMs(DEFAULTS.staleWhileDownMs, 0),
  loadCapacity: v.optional(v.pipe(v.number(), v.gtValue(0)), 100),
  cpuFactor: numberWithin(0.7, 0, 1),
  overloadScore: numberWithin(DEFAULTS.overloadScore, 1, 100),
  workload: v.optional(
    v.strictObject({
      minReady: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_536)), 1),
    }),
    {},
  ),
  stop: v.optional(
    v.strictObject({
      deadlineMs: durationMs(25_000, 10),
    }),
    {},
  ),
  linkInfoCacheTimeSecs: v.optional(
    v.pipe(v.number(), v.minValue(1), v.maxValue(86_400)),
    DEFAULTS.linkInfoCacheTimeSecs,
  ),
  commandTimeoutMs: durationMs(DEFAULTS.commandTimeoutMs, 10),
});

/** The rules of each option, and of those that only make sense together. */
export const serverDriverOptions: v.GenericSchema<unknown, ServerDriverSettings> = v.pipe(
  fields,
  v.forward(
    v.check(
      (o) => 3 * o.heartbeatIntervalMs <= o.leaseMs - o.leaseMarginMs,
      "three heartbeats must fit into leaseMs - leaseMarginMs",
    ),
    ["heartbeatIntervalMs"],
  ),
  v.forward(
    v.check((o) => o.leaseMarginMs >= LEAST_MARGIN_SHARE * o.leaseMs, "must be at least 5 % of leaseMs"),
    ["leaseMarginMs"],
  ),
  v.forward(
    v.check(
      (o) => o.stop.deadlineMs >= o.propagationMs + o.handOffTimeoutMs,
      "stop.deadlineMs must be at least propagationMs + handOffTimeoutMs",
    ),
    ["stop", "deadlineMs"],
  ),
);
