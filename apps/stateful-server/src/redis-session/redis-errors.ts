import type { RouteErrorCode } from "@podlink/types";
import { RouteError } from "@podlink/types";

/** What an answer that refuses means: Redis changed nothing. By its first word only; further on it may be anybody's text. */
const REFUSALS: readonly (readonly [first: RegExp, code: RouteErrorCode])[] = [
  [/^(?:NOAUTH|WRONGPASS) /, "UNAUTHENTICATED"],
  [/^NOPERM /, "PERMISSION_DENIED"],
  [/^WRONGTYPE /, "CORRUPT"],
  [/^(?:LOADING|READONLY|MASTERDOWN|OOM|MISCONF|NOREPLICAS|NOSCRIPT|MOVED|CLUSTERDOWN) /, "STORE_UNAVAILABLE"],
];

/**
 * What ioredis says, as an error of ours. Its own is not passed on: it carries the command with all its arguments.
 * @param isSent whether the command may have reached Redis
 */
export function toRouteError(error: unknown, what: string, isSent: boolean): RouteError {
  if (RouteError.is(error) && error.code !== "TIMEOUT") return error;
  const text = error instanceof Error ? error.message : "";
  const refusal = REFUSALS.find(([first]) => first.test(text))?.[1];
  const outcome = isSent && refusal === undefined ? "unknown" : "not-applied";
  if (refusal !== undefined) return new RouteError(refusal, `${what}: ${describe(error)}`, { outcome });
  if (!isSent) return new RouteError("STORE_UNAVAILABLE", `${what}: there is no connection to Redis`, { outcome });
  const isLate = RouteError.is(error) || text === "Command timed out";
  if (isLate) return new RouteError("TIMEOUT", `${what}: Redis did not answer in time`, { outcome });
  return new RouteError("STORE_UNAVAILABLE", `${what}: ${describe(error)}`, { outcome });
}

/** An answer's first word, or the system's code: all that is surely nobody's secret. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return "the connection was lost";
  if (error.name === "ReplyError")
    return `Redis answered ${/^[A-Z]{2,20}(?= )/.exec(error.message)?.[0] ?? "an error"}`;
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^E[A-Z]+$/.test(code) ? code : "the connection was lost";
}

/** Whether the script has to be sent whole. */
export const isUnknownScript = (error: unknown): boolean =>
  error instanceof Error && error.name === "ReplyError" && error.message.startsWith("NOSCRIPT ");

/** For ioredis: 1 connects again; 2 would send the command a second time. */
export const reconnectOnError = (error: Error): false | 1 => (error.message.startsWith("READONLY ") ? 1 : false);
