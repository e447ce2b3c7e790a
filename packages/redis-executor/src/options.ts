import type { ConnectionOptions } from "node:tls";
import type { Clock, Logger } from "@podlink/types";
import { DEFAULTS, parseOptions, RouteError } from "@podlink/types";
import type { Cluster, Redis } from "ioredis";
import * as v from "valibot";

/** Where a server listens. */
export interface RedisAddress {
  readonly host: string;
  /** Default 6379; of a Sentinel 26379. */
  readonly port?: number | undefined;
}

/** A primary under Sentinel. */
export interface SentinelsOptions {
  /** The name under which the Sentinels watch the primary. */
  readonly name: string;
  /** At least one; the others are found. */
  readonly nodes: readonly RedisAddress[];
  /** For the Sentinels themselves; the servers' are `username` and `password`. Default: none. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Whether the Sentinels speak TLS, and how. Default: as `tls`. */
  readonly tls?: boolean | ConnectionOptions | undefined;
}

/** A Redis Cluster. */
export interface ClusterNodesOptions {
  /** At least one; the others are found. */
  readonly nodes: readonly RedisAddress[];
  /** What the nodes call an address (`10.0.0.1:6379`) -> where it is reached from here. Default: as they call it. */
  readonly natMap?: Readonly<Record<string, { readonly host: string; readonly port: number }>> | undefined;
}

/**
 * Which Redis: one of `url`, `sentinels`, `cluster`, `client`; none of them is `redis://localhost:6379`. Everything else has
 * a default.
 */
export interface RedisExecutorOptions {
  /** `redis://[user[:password]@]host[:port][/db]`, `rediss://` for TLS, `unix:///path[?db=0]`. */
  readonly url?: string;
  readonly sentinels?: SentinelsOptions;
  readonly cluster?: ClusterNodesOptions;
  /**
   * A client of ioredis that somebody else made. It is never closed here, and its own options hold; `keyPrefix`, and reads
   * from replicas in a Cluster, are refused. Messages come over a connection of our own, made with its options.
   */
  readonly client?: Redis | Cluster;

  /** The ACL user. Default: the default user. */
  readonly username?: string;
  /** Default: none. A function is asked again before each connection: a password that is changed while running. */
  readonly password?: string | (() => string);
  /** The number of the database; a Cluster has only 0. Default 0. */
  readonly db?: number;
  /** `true`, or what `tls.connect` takes. Default: off, on with `rediss://`. */
  readonly tls?: boolean | ConnectionOptions;

  /** What every key begins with. Default "pl". */
  readonly prefix?: string;
  /**
   * Into how many hash slots a namespace's links are spread, 1 to 16384, default 64. It is written down with the first use
   * of a namespace; a process with another number is refused (CONFIG).
   */
  readonly linkBuckets?: number;
  /** Longest wait for an answer of Redis, in milliseconds, where a call does not say another. 10 to 10,000, default 500. */
  readonly commandTimeoutMs?: number;
  /** Longest wait for a connection to be made, in milliseconds. 10 to 60,000, default 1000. */
  readonly connectTimeoutMs?: number;
  /** Between two looks at a silent connection, in milliseconds. 100 to 3,600,000, default 30000. */
  readonly healthCheckIntervalMs?: number;
  /** How long a persistent link is kept after it was written or renewed, in milliseconds. At least 1, default 7 days. */
  readonly ownedTtlMs?: number;
  /** The load score from which a pod counts as overloaded: crossing it is published at once. 1 to 100, default 95. */
  readonly overloadScore?: number;
  /** Link operations that may wait for the wire; one more is refused (STORE_UNAVAILABLE). At least 1, default 65536. */
  readonly maxWaitingOperations?: number;
  /** Script calls that may wait for their answer at the same time. 1 to 4096, default 256. */
  readonly maxScriptsOnWire?: number;

  /** The source of time for deadlines, intervals and waits between tries. Default: that of the process. */
  readonly clock?: Clock;
  /** Hears warnings (with a `code`), lost connections, listeners that throw. Default: nobody. */
  readonly logger?: Logger;
  /** For tests: the store's time, whole ms since 1970, at least an hour ahead of Redis' own. Absent: Redis' own. */
  readonly nowMs?: () => number;
}

/** The options that are plain values, as the executor uses them: with defaults. */
export interface RedisExecutorSettings extends Required<
  Pick<
    RedisExecutorOptions,
    | "prefix"
    | "linkBuckets"
    | "commandTimeoutMs"
    | "connectTimeoutMs"
    | "healthCheckIntervalMs"
    | "ownedTtlMs"
    | "overloadScore"
    | "maxWaitingOperations"
    | "maxScriptsOnWire"
    | "db"
  >
> {
  readonly url?: string | undefined;
  readonly sentinels?: SentinelsOptions | undefined;
  readonly cluster?: ClusterNodesOptions | undefined;
  readonly client?: Redis | Cluster | undefined;
  readonly username?: string | undefined;
  readonly password?: string | (() => string) | undefined;
  readonly tls?: boolean | ConnectionOptions | undefined;
}

const between = (from: number, to: number, fallback: number) =>
  v.optional(v.pipe(v.number(), v.safeInteger("must be a whole number"), v.minValue(from), v.maxValue(to)), fallback);
const text = v.pipe(v.string(), v.minLength(1));
const port = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)));
const nodes = v.pipe(v.array(v.strictObject({ host: text, port })), v.minLength(1));
const tls = v.optional(
  v.union([v.boolean(), v.custom<ConnectionOptions>(isObject, "must be true, or options of TLS")]),
);

/** An option of the original that has no meaning here. */
const replacedBy = (what: string) => v.optional(v.never(`is refused: one multiplexed connection has no pool; ${what}`));

const schema = v.strictObject({
  url: v.optional(v.string()),
  sentinels: v.optional(
    v.strictObject({ name: text, nodes, username: v.optional(text), password: v.optional(text), tls }),
  ),
  cluster: v.optional(
    v.strictObject({
      nodes,
      natMap: v.optional(v.record(v.string(), v.strictObject({ host: text, port: v.number() }))),
    }),
  ),
  client: v.optional(v.custom<Redis | Cluster>(isClient, "must be a client of ioredis")),
  username: v.optional(text),
  password: v.optional(v.union([text, v.custom<() => string>((value) => typeof value === "function")])),
  db: between(0, 1_000_000, 0),
  tls,
  prefix: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ -")),
    "pl",
  ),
  linkBuckets: between(1, 16_384, 64),
  commandTimeoutMs: between(10, 10_000, DEFAULTS.commandTimeoutMs),
  connectTimeoutMs: between(10, 60_000, 1000),
  healthCheckIntervalMs: between(100, 3_600_000, 30_000),
  ownedTtlMs: between(1, Number.MAX_SAFE_INTEGER, DEFAULTS.ownedTtlMs),
  overloadScore: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(100)), DEFAULTS.overloadScore),
  maxWaitingOperations: between(1, Number.MAX_SAFE_INTEGER, 65_536),
  maxScriptsOnWire: between(1, 4096, 256),
  poolSize: replacedBy("maxScriptsOnWire says how much may be under way on it"),
  minIdleConns: replacedBy("the connection is made at start and kept"),
  poolTimeout: replacedBy("commandTimeoutMs is the longest wait"),
  idleTimeout: replacedBy("healthCheckIntervalMs says how often a silent connection is looked at"),
});

/** @throws RouteError CONFIG; no password is in its message. */
export function parseRedisOptions(input: unknown): Readonly<RedisExecutorSettings> {
  const settings: Readonly<RedisExecutorSettings> = parseOptions(schema, input, "redisExecutor");
  const { url, sentinels, cluster, client, username, password, db } = settings;
  const given = Object.entries({ url, sentinels, cluster, client }).filter(([, value]) => value !== undefined);
  if (given.length > 1) refuse(`${given.map(([name]) => name).join(" and ")}: only one of them says where Redis is`);
  if (cluster !== undefined && db !== 0) refuse("db: a Cluster has only database 0");
  if (client !== undefined)
    for (const [name, value] of Object.entries({ username, password, tls: settings.tls, db: db || undefined }))
      if (value !== undefined) refuse(`${name}: belongs to the client that was given`);
  if (client !== undefined) checkClient(client);
  if (url !== undefined) checkUrl(url, settings);
  return settings;
}

function checkClient(client: Redis | Cluster): void {
  if (client.options.keyPrefix) refuse("client: has a keyPrefix, which would change keys behind our back; use prefix");
  if ("scaleReads" in client.options && client.options.scaleReads !== "master")
    refuse("client: reads from replicas, which lag behind; scaleReads must be master");
}

function checkUrl(url: string, { username, password, tls: secured, db }: RedisExecutorSettings): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^(rediss?|unix):$/.test(parsed.protocol))
    return refuse(
      "url: must be redis://, rediss:// or unix://, with host or path (it is not shown: it may hold a password)",
    );
  if ((parsed.username && username) || (parsed.password && password))
    refuse("url: has a user or password, and so have username or password: say it once");
  if (parsed.protocol === "rediss:" && secured === false) refuse("tls: false contradicts rediss://");
  const number = parsed.protocol === "unix:" ? parsed.searchParams.get("db") : parsed.pathname.slice(1);
  if (number !== null && !/^\d*$/.test(number)) refuse("url: its database must be a number");
  if (number && db !== 0) refuse("db: the url names a database too: say it once");
  const known = parsed.protocol === "unix:" ? ["db"] : [];
  const unknown = [...parsed.searchParams.keys()].filter((name) => !known.includes(name));
  if (unknown.length > 0) refuse("url: it has parameters that are not known; give them as options");
}

function refuse(rule: string): never {
  throw new RouteError("CONFIG", `redisExecutor.${rule}`);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** By what it can do, not by its class: there may be two copies of ioredis. */
function isClient(value: unknown): boolean {
  return (
    isObject(value) && typeof (value as Redis).sendCommand === "function" && typeof (value as Redis).on === "function"
  );
}
