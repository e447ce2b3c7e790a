import type { ConnectionOptions } from "node:tls";
import { RouteError } from "@podlink/types";
import type { ClusterOptions, RedisOptions } from "ioredis";
import type { RedisExecutorSettings } from "../options.ts";
import { reconnectOnError } from "./ioredis-errors.ts";

/** Replies look as they did before RESP3, whatever protocol the server speaks. */
type OwnOptions = RedisOptions & { readonly replyMapping: "legacy" };

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;
const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;

/** Full jitter: after an outage the callers come back spread over the whole wait. */
export function retryDelayMs(times: number): number {
  const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times, 10));
  return FIRST_RETRY_MS + Math.floor(Math.random() * (longest - FIRST_RETRY_MS));
}

/** @throws RouteError CONFIG when the function throws */
export function passwordOf({ password }: Pick<RedisExecutorSettings, "password">): string | undefined {
  if (typeof password !== "function") return password;
  try {
    return password();
  } catch {
    throw new RouteError("CONFIG", "redisExecutor.password: the function that was given threw"); // whatever it says
  }
}

const tlsOf = (tls: boolean | ConnectionOptions | undefined): { tls?: ConnectionOptions } =>
  tls === undefined || tls === false ? {} : { tls: tls === true ? {} : tls };

/** What every connection of ours has. Each line answers a fault that was seen; see the README. */
export function commonOptions(settings: RedisExecutorSettings): OwnOptions {
  const { commandTimeoutMs, connectTimeoutMs, username } = settings;
  const password = passwordOf(settings);
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...tlsOf(settings.tls),
    db: settings.db,
    replyMapping: "legacy",
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: 200,
    // A command whose reply was lost is not executed a second time behind everybody's back.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Nothing waits in a queue without bound, to be executed long after its caller has given up.
    enableOfflineQueue: false,
    // For what ioredis asks by itself. Our deadline does not mistake a busy process for a silent Redis.
    commandTimeout: 3 * commandTimeoutMs,
    // A peer that is gone without a word. Later than any command's own end.
    socketTimeout: 4 * commandTimeoutMs,
    keepAlive: 5000,
    enableReadyCheck: true,
    maxLoadingRetryTime: 1000,
    // Its re-subscribing rejects where nobody listens; ours tells of the gap.
    autoResubscribe: false,
    enableAutoPipelining: false,
    disableClientInfo: true,
    reconnectOnError,
    retryStrategy: retryDelayMs,
  };
}

/** One server, by url; `rediss://` and `unix://` too. */
export function singleOptions(settings: RedisExecutorSettings): OwnOptions {
  const common = commonOptions(settings);
  const url = new URL(settings.url ?? "redis://localhost:6379");
  const isPath = url.protocol === "unix:";
  const db = Number(isPath ? url.searchParams.get("db") : url.pathname.slice(1)) || common.db || 0;
  const login = {
    ...(url.username && { username: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
  };
  if (isPath) return { ...common, ...login, db, path: decodeURIComponent(url.pathname) };
  const host = url.hostname.replace(/^\[|\]$/g, "") || "localhost";
  const tls = url.protocol === "rediss:" ? tlsOf(settings.tls ?? true) : {};
  return { ...common, ...login, ...tls, db, host, port: Number(url.port) || DEFAULT_PORT };
}

export function sentinelOptions(settings: RedisExecutorSettings): OwnOptions {
  const { sentinels, connectTimeoutMs } = settings;
  const common = commonOptions(settings);
  const tls = tlsOf(sentinels?.tls ?? settings.tls).tls;
  return {
    ...common,
    name: sentinels?.name ?? "",
    sentinels: (sentinels?.nodes ?? []).map(({ host, port = DEFAULT_SENTINEL_PORT }) => ({ host, port })),
    role: "master",
    ...(sentinels?.username === undefined ? {} : { sentinelUsername: sentinels.username }),
    ...(sentinels?.password === undefined ? {} : { sentinelPassword: sentinels.password }),
    ...(tls === undefined ? {} : { sentinelTLS: tls }),
    enableTLSForSentinelMode: common.tls !== undefined,
    sentinelCommandTimeout: connectTimeoutMs,
    // Always a number: anything else ends the client for good.
    sentinelRetryStrategy: (times) => Math.min(retryDelayMs(times), 500),
    sentinelReconnectStrategy: () => 10_000,
    failoverDetector: true,
  };
}

export function clusterOptions(
  settings: RedisExecutorSettings,
  Connector: RedisOptions["Connector"],
): ClusterOptions & { readonly redisOptions: Omit<OwnOptions, "retryStrategy" | "enableOfflineQueue"> } {
  const { retryStrategy: _, enableOfflineQueue: __, ...node } = commonOptions(settings);
  return {
    redisOptions: { ...node, Connector },
    enableOfflineQueue: false,
    // Its own check asks a node that may still be connecting, and begins again: each node has a ready check anyway.
    enableReadyCheck: false,
    scaleReads: "master",
    maxRedirections: 8,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 20,
    slotsRefreshTimeout: 2000,
    slotsRefreshInterval: 10_000,
    enableAutoPipelining: false,
    clusterRetryStrategy: retryDelayMs,
    // With TLS a name must stay a name, or no certificate fits.
    ...(node.tls === undefined ? {} : { dnsLookup: (host, callback) => callback(null, host) }),
    ...(settings.cluster?.natMap === undefined ? {} : { natMap: { ...settings.cluster.natMap } }),
  };
}

export const clusterNodes = ({ cluster }: RedisExecutorSettings): { host: string; port: number }[] =>
  (cluster?.nodes ?? []).map(({ host, port = DEFAULT_PORT }) => ({ host, port }));

/** What differs for the connection that only listens: who holds it makes it again, and does so on another server. */
export const subscriberOptions: RedisOptions = {
  Connector: undefined,
  lazyConnect: false,
  readOnly: false,
  failoverDetector: false,
  retryStrategy: null,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
};
