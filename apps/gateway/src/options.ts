import type { IncomingMessage } from "node:http";
import type { ProxyLimits, ServerLimits, ServiceRoute } from "@podlink/http";
import type { CallOptions, PodRow, StoreHealth } from "@podlink/types";
import type { Logger } from "pino";
import type { ServiceStatus } from "podlink";
import * as v from "valibot";

/**
 * Whether the request may be made, for this uid; undefined: a listing. False: 403. May throw a RouteError (UNAUTHENTICATED: 401).
 * It must not read the body.
 */
export type Authorize = (req: IncomingMessage, uid: string | undefined) => boolean | Promise<boolean>;

/** A service as the gateway uses it. */
export interface GatewayService extends ServiceRoute {
  init(call?: CallOptions): Promise<void>;
  pods(): readonly {
    readonly row: PodRow;
    readonly goodbye: boolean;
    readonly alive: boolean;
    readonly available: boolean;
  }[];
  status(): ServiceStatus;
}

/** What the gateway routes by; what `connect()` of podlink returns fits. */
export interface GatewaySource {
  service(name: string): GatewayService;
  /** How the store is, as last known. */
  health(): StoreHealth;
}

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface GatewayOptions {
  /** Made by `connect()`; the gateway doesn't close it. */
  readonly podlink: GatewaySource;
  /** Default 8080; 0: a free one. */
  readonly port?: number;
  /** Default 127.0.0.1. Anything but loopback needs `authorize` or `allowAnonymous`. */
  readonly host?: string;
  /** Absent: only requests from this machine are served, unless `allowAnonymous`. */
  readonly authorize?: Authorize;
  /** Serves everybody who can reach it, as any uid. Default false. Not together with `authorize`. */
  readonly allowAnonymous?: boolean;
  /**
   * The services that are routed to; others are 404, and `/health` is 503 until a pod of one is available. Absent: all, at most
   * `maxServices` of them, known from when somebody asks for them.
   */
  readonly services?: readonly string[];
  /** The most services at a time: every name that is asked for costs a subscription. Default 256. */
  readonly maxServices?: number;
  /** Limits of what is forwarded; see `@podlink/http`. */
  readonly proxy?: ProxyLimits;
  /** Limits of what is listened to; see `@podlink/http`. */
  readonly limits?: ServerLimits;
  /** How long `close` lets requests end, in milliseconds. Default 10000. */
  readonly closeDeadlineMs?: number;
  /** Default: pino's, as JSON to stdout. */
  readonly logger?: Logger;
  /** Default: the logger's own, else info. Can be changed while running. */
  readonly logLevel?: LogLevel;
}

/** The options with all defaults. */
export interface ResolvedGatewayOptions {
  readonly podlink: GatewaySource;
  readonly port: number;
  readonly host: string;
  readonly authorize?: Authorize | undefined;
  readonly allowAnonymous: boolean;
  readonly services?: readonly string[] | undefined;
  readonly maxServices: number;
  readonly proxy?: ProxyLimits | undefined;
  readonly limits?: ServerLimits | undefined;
  readonly closeDeadlineMs: number;
  readonly logger?: Logger | undefined;
  readonly logLevel?: LogLevel | undefined;
}

const isFunction = (value: unknown): boolean => typeof value === "function";
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

export const logLevel: v.GenericSchema<unknown, LogLevel> = v.picklist(LEVELS);

/** The rules of the options; what is inside `proxy` and `limits` its own package checks. */
export const gatewayOptions: v.GenericSchema<unknown, ResolvedGatewayOptions> = v.pipe(
  v.strictObject({
    podlink: v.custom<GatewaySource>(isObject, "must be what connect() returns"),
    port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)), 8080),
    host: v.optional(v.pipe(v.string(), v.nonEmpty()), "127.0.0.1"),
    authorize: v.optional(v.custom<Authorize>(isFunction, "must be a function")),
    allowAnonymous: v.optional(v.boolean(), false),
    services: v.optional(v.pipe(v.array(v.string()), v.readonly())),
    maxServices: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000)), 256),
    proxy: v.optional(v.custom<ProxyLimits>(isObject, "must be an object")),
    limits: v.optional(v.custom<ServerLimits>(isObject, "must be an object")),
    closeDeadlineMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3_600_000)), 10_000),
    logger: v.optional(v.custom<Logger>(isObject, "must be a pino logger")),
    logLevel: v.optional(v.picklist(LEVELS)),
  }),
  v.check(
    ({ authorize, allowAnonymous }) => authorize === undefined || !allowAnonymous,
    "authorize and allowAnonymous contradict each other",
  ),
);
