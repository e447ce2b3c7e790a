import type { Clock, Logger } from "@podlink/types";
import { checkNamespace, checkService, DEFAULTS, parseOptions, RouteError } from "@podlink/types";
import * as v from "valibot";

/** What `RedisSessionStore` takes. */
export interface RedisSessionOptions {
  /** `redis://[user[:password]@]host[:port][/db]`, `rediss://` for TLS, `unix:///path[?db=0]`. */
  readonly url: string;
  /** Whose sessions: two services, or the same one in two namespaces, share none. */
  readonly namespace: string;
  readonly service: string;
  /** What every key begins with. Default "session". */
  readonly prefix?: string;
  /**
   * How long a session is kept after it was loaded or written last, in milliseconds, from 60,000. Choose it far longer than a
   * room is idle in memory: one that is gone begins anew. Absent: for ever.
   */
  readonly ttlMs?: number;
  /** The longest wait for Redis, connecting included, in milliseconds; then a call fails. 10 to 10,000, default 500. */
  readonly commandTimeoutMs?: number;
  /** The longest wait for a connection to be made, in milliseconds. 10 to 60,000, default 1000. */
  readonly connectTimeoutMs?: number;
  /** Default: this process' clock. */
  readonly clock?: Clock;
  /** Hears when Redis is lost and when it is back. Default: nothing is logged. */
  readonly logger?: Logger;
}

/** The plain values of the options, with their defaults. */
export interface RedisSessionSettings {
  readonly url: string;
  readonly namespace: string;
  readonly service: string;
  readonly prefix: string;
  readonly ttlMs?: number | undefined;
  readonly commandTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

const LEAST_TTL_MS = 60_000;
const whole = (min: number, max: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max));

const schema = v.strictObject({
  url: v.string(),
  namespace: v.string(),
  service: v.string(),
  prefix: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ -")),
    "session",
  ),
  ttlMs: v.optional(whole(LEAST_TTL_MS, Number.MAX_SAFE_INTEGER)),
  commandTimeoutMs: v.optional(whole(10, 10_000), DEFAULTS.commandTimeoutMs),
  connectTimeoutMs: v.optional(whole(10, 60_000), 1000),
});

/** The options with their defaults, frozen. @throws RouteError CONFIG; INVALID_ARGUMENT for a bad namespace or service. */
export function parseRedisSessionOptions(input: unknown): Readonly<RedisSessionSettings> {
  const settings: Readonly<RedisSessionSettings> = parseOptions(schema, input, "redisSession");
  checkNamespace(settings.namespace);
  checkService(settings.service);
  addressOf(settings.url);
  return settings;
}

/** Where Redis is, as ioredis takes it. */
export interface RedisAddress {
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  readonly tls?: object;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
}

/** What a URL says. Its parameters could switch off what the store relies on, so there are none. @throws RouteError CONFIG */
export function addressOf(url: string): RedisAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isPath = parsed?.protocol === "unix:";
  const db = isPath ? (parsed.searchParams.get("db") ?? "0") : parsed?.pathname.slice(1) || "0";
  const parameters = [...(parsed?.searchParams.keys() ?? [])].filter((name) => !isPath || name !== "db");
  if (
    parsed === undefined ||
    !/^(?:rediss?|unix):$/.test(parsed.protocol) ||
    !/^\d{1,6}$/.test(db) ||
    parameters.length > 0
  ) {
    // It is not shown: it may hold a password.
    const rule = "redis://[user[:password]@]host[:port][/db], rediss://, or unix:///path[?db=0], without parameters";
    throw new RouteError("CONFIG", `redisSession.url: must be ${rule}`);
  }
  const login = {
    ...(parsed.username && { username: decodeURIComponent(parsed.username) }),
    ...(parsed.password && { password: decodeURIComponent(parsed.password) }),
    db: Number(db),
  };
  if (isPath) return { ...login, path: decodeURIComponent(parsed.pathname) };
  const host = parsed.hostname.replace(/^\[|\]$/g, "") || "localhost";
  return { ...login, host, port: Number(parsed.port) || 6379, ...(parsed.protocol === "rediss:" && { tls: {} }) };
}
