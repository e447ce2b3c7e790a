import { parseOptions } from "@podlink/types";
import * as v from "valibot";
import type { GatewayOptions, LogLevel } from "./options.ts";
import { logLevel } from "./options.ts";

/** What the gateway's program reads from its environment. */
export interface GatewayEnvironment {
  /** For `connect()`. */
  readonly connection: { readonly namespace?: string; readonly store?: "embedded"; readonly redis?: string };
  /** For `startGateway()`. */
  readonly gateway: Omit<GatewayOptions, "podlink" | "logLevel"> & { readonly logLevel: LogLevel };
}

const wholeText = (byDefault: string) =>
  v.pipe(v.optional(v.string(), byDefault), v.regex(/^\d{1,9}$/, "must be a whole number"), v.transform(Number));

const environment = v.object({
  PORT: wholeText("8080"),
  HOST: v.optional(v.string(), "127.0.0.1"),
  PODLINK_NAMESPACE: v.optional(v.string()),
  PODLINK_STORE: v.optional(v.literal("embedded")),
  REDIS_URL: v.optional(v.string()), // what is wrong with it podlink says, without its password
  SERVICES: v.optional(v.string()),
  ALLOW_ANONYMOUS: v.optional(v.picklist(["true", "false"]), "false"),
  LOG_LEVEL: v.optional(logLevel, "info"),
  CLOSE_DEADLINE_MS: wholeText("10000"),
  HOLD_MS: wholeText("0"),
});

/**
 * Reads PORT, HOST, PODLINK_NAMESPACE, REDIS_URL, PODLINK_STORE, SERVICES (comma separated), ALLOW_ANONYMOUS, LOG_LEVEL,
 * CLOSE_DEADLINE_MS, HOLD_MS (how long a request waits for a pod that takes it).
 * @throws RouteError CONFIG naming the variable, its value and the rule.
 */
export function gatewayFromEnvironment(variables: Readonly<Record<string, string | undefined>>): GatewayEnvironment {
  const read = parseOptions(environment, variables, "environment");
  const { PODLINK_NAMESPACE: namespace, PODLINK_STORE: store, REDIS_URL: redis, SERVICES: services } = read;
  return {
    connection: {
      ...(namespace === undefined ? undefined : { namespace }),
      ...(store === undefined ? undefined : { store }),
      ...(redis ? { redis } : undefined),
    },
    gateway: {
      port: read.PORT,
      host: read.HOST,
      allowAnonymous: read.ALLOW_ANONYMOUS === "true",
      logLevel: read.LOG_LEVEL,
      closeDeadlineMs: read.CLOSE_DEADLINE_MS,
      proxy: { holdMs: read.HOLD_MS },
      ...(services === undefined ? undefined : { services: services.split(",").map((name) => name.trim()) }),
    },
  };
}
