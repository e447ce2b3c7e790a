import type { Logger } from "@podlink/types";
import { RouteError, describeValue } from "@podlink/types";
import { identityFromEnvironment } from "podlink";
import type { RoomOptions } from "./options.ts";
import { RedisSessionStore } from "./redis-session-store.ts";

/** What a room and its sessions are called where nobody says it. */
const SERVICE = "room";
const NAMESPACE = "default";

/**
 * The options of a room from the environment. Whose pod it is (`POD_NAME`, `POD_NAMESPACE`, `POD_IP`) podlink reads itself.
 * - `PORT`: default 3000. `HOST`: default all addresses.
 * - `NAMESPACE`, `SERVICE`, `POD_INDEX`: instead of what podlink finds.
 * - `IDLE_MS`: how long a room without sockets stays in memory.
 * - `REDIS_URL`: the shared store. `STORE`: "embedded", to run without one in production too.
 * - `HEARTBEAT_INTERVAL_MS`, `PROPAGATION_MS`, `HAND_OFF_TIMEOUT_MS`, `STOP_DEADLINE_MS`: the pod's; see `@podlink/server-driver`.
 * @throws RouteError CONFIG
 */
export function roomFromEnvironment(env: NodeJS.ProcessEnv): RoomOptions {
  const podIndex = wholeFrom(env, "POD_INDEX");
  const idleMs = wholeFrom(env, "IDLE_MS");
  const { NAMESPACE: namespace, SERVICE: service, STORE: store } = env;
  const redis = textFrom(env, "REDIS_URL");
  if (store !== undefined && store !== "embedded") {
    throw new RouteError("CONFIG", `STORE must be "embedded" or left out; got ${describeValue(store)}`);
  }
  const server = serverFrom(env);
  return {
    host: env["HOST"] ?? "0.0.0.0",
    port: wholeFrom(env, "PORT") ?? 3000,
    ...(idleMs !== undefined && { idleMs }),
    pod: {
      ...(namespace !== undefined && { namespace }),
      ...(service !== undefined && { service }),
      ...(podIndex !== undefined && { podIndex }),
      ...(store !== undefined && { store }),
      ...(redis !== undefined && { redis }),
      ...(Object.keys(server).length > 0 && { server }),
    },
  };
}

/**
 * Where the sessions of a room are kept: `SESSION_REDIS_URL`, by default the same Redis as `REDIS_URL`, for `SESSION_TTL_MS`
 * after they were used last (default: for ever). Absent: neither is there.
 * @throws RouteError CONFIG
 */
export function sessionStoreFromEnvironment(
  env: NodeJS.ProcessEnv,
  { pod }: RoomOptions,
  logger: Logger,
): RedisSessionStore | undefined {
  const url = textFrom(env, "SESSION_REDIS_URL") ?? textFrom(env, "REDIS_URL");
  const ttlMs = wholeFrom(env, "SESSION_TTL_MS");
  if (url === undefined) {
    if (ttlMs === undefined) return undefined;
    throw new RouteError("CONFIG", "SESSION_TTL_MS has no use without SESSION_REDIS_URL or REDIS_URL");
  }
  const namespace = pod?.namespace ?? identityFromEnvironment().namespace ?? NAMESPACE;
  const service = pod?.service ?? SERVICE;
  return new RedisSessionStore({ url, namespace, service, ...(ttlMs !== undefined && { ttlMs }), logger });
}

function serverFrom(env: NodeJS.ProcessEnv): NonNullable<NonNullable<RoomOptions["pod"]>["server"]> {
  const heartbeatIntervalMs = wholeFrom(env, "HEARTBEAT_INTERVAL_MS");
  const propagationMs = wholeFrom(env, "PROPAGATION_MS");
  const handOffTimeoutMs = wholeFrom(env, "HAND_OFF_TIMEOUT_MS");
  const deadlineMs = wholeFrom(env, "STOP_DEADLINE_MS");
  return {
    ...(heartbeatIntervalMs !== undefined && { heartbeatIntervalMs }),
    ...(propagationMs !== undefined && { propagationMs }),
    ...(handOffTimeoutMs !== undefined && { handOffTimeoutMs }),
    ...(deadlineMs !== undefined && { stop: { deadlineMs } }),
  };
}

function textFrom(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name] || undefined;
}

function wholeFrom(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RouteError("CONFIG", `${name} must be a whole number; got ${describeValue(text)}`);
}
