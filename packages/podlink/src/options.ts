import type { ClientDriverOptions } from "@podlink/client-driver";
import type { RouteInfoOptions } from "@podlink/route-info-driver";
import type { ServerDriverOptions } from "@podlink/server-driver";
import type { Clock, Logger, PodAddress, RouteObserver } from "@podlink/types";
import { parseOptions, RouteError } from "@podlink/types";
import * as v from "valibot";
import type { RedisOptions, StoreOption } from "./store.ts";

/** What both doors take. */
export interface CommonOptions {
  /**
   * The shared truth on Redis: "redis://[user[:password]@]host[:port][/db]", or the options of `@podlink/redis-executor`
   * (Sentinel, Cluster, TLS, a client of yours). Its connection is closed with what was made here. Not together with `store`.
   */
  readonly redis?: string | RedisOptions | undefined;
  /**
   * The shared truth: a store of yours (podlink never closes it), or "embedded", one store shared by this process.
   * Neither this nor `redis`: embedded, with a warning; with NODE_ENV=production a CONFIG error.
   */
  readonly store?: StoreOption;
  /** Default: `POD_NAMESPACE`, else the mounted service account's namespace, else "default". */
  readonly namespace?: string;
  /** How pods are watched and chosen, by a pod while it moves users away or writes the workload state; see `@podlink/route-info-driver`. Absent: its defaults. */
  readonly routes?: RouteInfoOptions;
  /** Default: silent, but for warnings, which go to the console once each. */
  readonly logger?: Logger;
  /** Hears what is timed and what happens. Absent: nothing is timed or made. */
  readonly observer?: RouteObserver;
  /** The source of time. Default: this process'. For tests. */
  readonly clock?: Clock;
}

export interface ConnectOptions extends CommonOptions {
  /** Caching and failover; see `@podlink/client-driver`. Absent: its defaults. */
  readonly client?: ClientDriverOptions;
}

export interface JoinOptions extends CommonOptions {
  /** The service that this pod is one of. Default: `POD_NAME` (else the host name) without its ordinal. */
  readonly service?: string;
  /** Default: the ordinal of `POD_NAME`, else of the host name. */
  readonly podIndex?: number;
  /** Where this pod serves HTTP. `host` default: `POD_IP`, else the host name. Absent: not reachable over HTTP. */
  readonly http?: { readonly port: number; readonly host?: string };
  /** Where this pod serves gRPC, at the same host. Absent: it doesn't. */
  readonly grpc?: { readonly port: number };
  /** Leases, heartbeats, drain and what else a pod does; see `@podlink/server-driver`. Absent: its defaults. */
  readonly server?: Omit<ServerDriverOptions, "namespace" | "service" | "podIndex" | "address">;
}

const anything = v.custom<object>((value) => typeof value === "object" && value !== null, "must be an object");
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));

const common = {
  redis: v.optional(v.union([v.string(), anything], "must be a URL or options")),
  store: v.optional(v.union([v.literal("embedded"), anything], 'must be a store or "embedded"')),
  namespace: v.optional(v.string()),
  routes: v.optional(anything),
  logger: v.optional(anything),
  observer: v.optional(anything),
  clock: v.optional(anything),
};

const connectSchema = v.strictObject({ ...common, client: v.optional(anything) });

const joinSchema = v.strictObject({
  ...common,
  service: v.optional(v.string()),
  podIndex: v.optional(v.number()),
  http: v.optional(v.strictObject({ port, host: v.optional(v.string()) })),
  grpc: v.optional(v.strictObject({ port })),
  server: v.optional(anything),
});

/** Refuses what `connect` doesn't know; what is inside `client` and `routes` their own packages check. @throws RouteError CONFIG */
export function checkConnectOptions(options: ConnectOptions): void {
  parseOptions(connectSchema, options, "connect");
  checkOneStore(options, "connect");
}

/** Refuses what `joinAsPod` doesn't know; what is inside `server` and `routes` their own packages check. @throws RouteError CONFIG */
export function checkJoinOptions(options: JoinOptions): void {
  parseOptions(joinSchema, options, "joinAsPod");
  checkOneStore(options, "joinAsPod");
}

function checkOneStore({ redis, store }: CommonOptions, name: string): void {
  if (redis === undefined || store === undefined) return;
  throw new RouteError("CONFIG", `${name}.redis: not together with store; one of them is the shared truth`);
}

/** The address to register, from where the pod says it serves. Absent: it serves nowhere. */
export function addressOf(options: JoinOptions, host: string | undefined): PodAddress | undefined {
  if (options.http === undefined && options.grpc === undefined) return undefined;
  return {
    host: options.http?.host ?? host ?? "127.0.0.1",
    ...(options.http === undefined ? undefined : { httpPort: options.http.port }),
    ...(options.grpc === undefined ? undefined : { grpcPort: options.grpc.port }),
  };
}
