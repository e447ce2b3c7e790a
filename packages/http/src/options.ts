import type { PodAddress } from "@podlink/types";
import * as v from "valibot";

/** Limits and habits of a proxy; all optional. */
export interface ProxyLimits {
  /** Longest wait for a connection to a pod, in milliseconds; then 503. Default 1000. */
  readonly connectTimeoutMs?: number;
  /** Longest wait for the head of a pod's response, in milliseconds; then 504. Default 30000. */
  readonly responseTimeoutMs?: number;
  /**
   * Longest pause within a pod's response, in milliseconds; then the response is cut. 0: none, for event streams that are
   * silent for long. Default 300000.
   */
  readonly responseIdleMs?: number;
  /** The most bytes a request's body may have; then 413, or a cut connection when the length wasn't said. Default 100 MiB. 0: no bound. */
  readonly maxBodyBytes?: number;
  /** The most bytes of a response's head, and of a pod's answer to an upgrade. Default 16384. */
  readonly maxHeaderBytes?: number;
  /** The most connections to one pod for ordinary requests; more requests wait for a free one. Default 256. */
  readonly maxConnectionsPerPod?: number;
  /** The most requests under way or waiting for one pod; beyond it, 503. Default 10000. */
  readonly maxRequestsPerPod?: number;
  /**
   * How long a request waits for a pod that takes it, from its beginning, in milliseconds: while its pod is gone and its
   * user is being moved, or while a pod hands over. Only what nobody executed waits, and of a body only one of up to 64 KiB.
   * Then, and with 0, it is answered 503 with Retry-After. Default 0.
   */
  readonly holdMs?: number;
  /** The most requests that wait so at a time; one more is answered at once. Default 1000. */
  readonly maxHeld?: number;
  /**
   * Which share of the requests may be sent once more after a 421 that taught nothing: it led to no later link, no later
   * life and no other address of a pod. Beyond it and `repeatsPerSecond`, 503 with Retry-After. 0 to 1. Default 0.1.
   */
  readonly repeatShare?: number;
  /** How many such repeats a second there may be whatever the traffic. What isn't used is saved for 10 s. Default 10. */
  readonly repeatsPerSecond?: number;
  /** The most upgraded connections (WebSockets) in all; beyond it, 503. Default 10000. */
  readonly maxUpgrades?: number;
  /** An upgraded connection that is silent both ways for so long is closed, in milliseconds. 0: never. Default 0. */
  readonly upgradeIdleMs?: number;
  /**
   * Which web pages may open a WebSocket, by the Origin header that browsers send: `same` host as the request's, `any`, or
   * those listed ("https://app.example"). Requests without Origin come from programs and pass. Default `same`.
   */
  readonly origins?: "same" | "any" | readonly string[];
  /** The most gateways that a request may pass, this one included; beyond it, 508. Default 5. */
  readonly maxHops?: number;
  /**
   * Whether a registered address may be connected to; its host comes as it would be, `10.0.0.1` for `0x0A000001` and names
   * in lower case, not what they lead to. Absent: any but link-local ones, which are never allowed.
   */
  readonly allowAddress?: (address: PodAddress) => boolean;
}

/** The options with all defaults. */
export interface ResolvedProxyLimits extends Required<Omit<ProxyLimits, "allowAddress">> {
  readonly allowAddress?: (address: PodAddress) => boolean;
}

const whole = (min: number, byDefault: number, max = 2_147_483_647) =>
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max)), byDefault);

/** The rules of the options; `podlink/config` composes it. */
export const proxyLimits: v.GenericSchema<unknown, ResolvedProxyLimits> = v.optional(
  v.strictObject({
    connectTimeoutMs: whole(1, 1000),
    responseTimeoutMs: whole(1, 30_000),
    responseIdleMs: whole(0, 300_000),
    maxBodyBytes: whole(0, 104_857_600, Number.MAX_SAFE_INTEGER),
    maxHeaderBytes: whole(1024, 16_384),
    maxConnectionsPerPod: whole(1, 256),
    maxRequestsPerPod: whole(1, 10_000),
    holdMs: whole(0, 0, 600_000),
    maxHeld: whole(1, 1000, 1_000_000),
    repeatShare: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0.1),
    repeatsPerSecond: whole(0, 10, 1_000_000),
    maxUpgrades: whole(0, 10_000),
    upgradeIdleMs: whole(0, 0),
    origins: v.optional(v.union([v.picklist(["same", "any"]), v.pipe(v.array(v.string()), v.readonly())]), "same"),
    maxHops: whole(1, 5, 100),
    allowAddress: v.optional(v.custom<(address: PodAddress) => boolean>((value) => typeof value === "function")),
  }),
  {},
) as v.GenericSchema<unknown, ResolvedProxyLimits>;

/** Limits of a listening server, against slow and oversized requests; all optional. */
export interface ServerLimits {
  /** The most bytes of a request's head; beyond it, 431. Default 16384. */
  readonly maxHeaderBytes?: number;
  /** Longest wait for a request's head, in milliseconds; then 408. Default 10000. */
  readonly headersTimeoutMs?: number;
  /** Longest wait for a whole request, body included, in milliseconds; then 408. 0: none. Default 300000. */
  readonly requestTimeoutMs?: number;
  /** How long an idle connection is kept for the next request, in milliseconds. Default 5000. */
  readonly keepAliveMs?: number;
  /** How often slow requests are looked for, in milliseconds. Default 1000. */
  readonly checkIntervalMs?: number;
  /** The most connections; more are closed at once. Default 20000. */
  readonly maxConnections?: number;
}

/** The rules of the limits. */
export const serverLimits: v.GenericSchema<unknown, Required<ServerLimits>> = v.optional(
  v.strictObject({
    maxHeaderBytes: whole(1024, 16_384),
    headersTimeoutMs: whole(1, 10_000),
    requestTimeoutMs: whole(0, 300_000),
    keepAliveMs: whole(1, 5000),
    checkIntervalMs: whole(10, 1000),
    maxConnections: whole(1, 20_000),
  }),
  {},
);
