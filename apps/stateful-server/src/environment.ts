import { RouteError, describeValue } from "@podlink/types";
import type { RoomOptions } from "./options.ts";

/**
 * The options of a room from the environment. Whose pod it is (`POD_NAME`, `POD_NAMESPACE`, `POD_IP`) podlink reads itself.
 * - `PORT`: default 3000. `HOST`: default all addresses.
 * - `NAMESPACE`, `SERVICE`, `POD_INDEX`: instead of what podlink finds.
 * - `IDLE_MS`: how long a room without sockets stays in memory.
 * - `STORE`: "embedded", to run without a shared store in production too.
 * @throws RouteError CONFIG
 */
export function roomFromEnvironment(env: NodeJS.ProcessEnv): RoomOptions {
  const podIndex = wholeFrom(env, "POD_INDEX");
  const idleMs = wholeFrom(env, "IDLE_MS");
  const { NAMESPACE: namespace, SERVICE: service, STORE: store } = env;
  if (store !== undefined && store !== "embedded") {
    throw new RouteError("CONFIG", `STORE must be "embedded" or left out; got ${describeValue(store)}`);
  }
  return {
    host: env["HOST"] ?? "0.0.0.0",
    port: wholeFrom(env, "PORT") ?? 3000,
    ...(idleMs !== undefined && { idleMs }),
    pod: {
      ...(namespace !== undefined && { namespace }),
      ...(service !== undefined && { service }),
      ...(podIndex !== undefined && { podIndex }),
      ...(store !== undefined && { store }),
    },
  };
}

function wholeFrom(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RouteError("CONFIG", `${name} must be a whole number; got ${describeValue(text)}`);
}
