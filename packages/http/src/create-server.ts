import { createServer } from "node:http";
import type { Server } from "node:http";
import { parseOptions } from "@podlink/types";
import type { ServerLimits } from "./options.ts";
import { serverLimits } from "./options.ts";

/**
 * A `node:http` server with limits: a head or a request that takes too long is answered 408, a head that is too large
 * 431, and the strict parser refuses what could be read in two ways.
 * @throws RouteError CONFIG
 */
export function createLimitedServer(limits?: ServerLimits): Server {
  const resolved = parseOptions(serverLimits, limits, "limits");
  const server = createServer({
    maxHeaderSize: resolved.maxHeaderBytes,
    headersTimeout: headersTimeoutOf(resolved),
    requestTimeout: resolved.requestTimeoutMs,
    keepAliveTimeout: resolved.keepAliveMs,
    connectionsCheckingInterval: resolved.checkIntervalMs,
    insecureHTTPParser: false,
    noDelay: true,
  });
  server.maxConnections = resolved.maxConnections;
  return server;
}

/** Node refuses to wait longer for the head than for the whole request. */
function headersTimeoutOf(limits: Required<ServerLimits>): number {
  if (limits.requestTimeoutMs === 0) return limits.headersTimeoutMs;
  return Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs);
}
