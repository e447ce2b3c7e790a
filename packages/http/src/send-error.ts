import type { ServerResponse } from "node:http";
import type { RouteErrorCode } from "@podlink/types";
import { RouteError } from "@podlink/types";

/** The one table from podlink's codes to HTTP's. */
export const STATUS_OF: Readonly<Record<RouteErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  SERVICE_NOT_FOUND: 404,
  NAMESPACE_UNKNOWN: 404,
  TAG_NOT_FOUND: 404,
  NOT_HOLDER: 421,
  CANCELLED: 499, // nobody is listening any more; what proxies write into their logs
  CORRUPT: 500,
  CONFIG: 500,
  INTERNAL: 500,
  NO_ROUTABLE_POD: 503,
  POD_UNAVAILABLE: 503,
  SUPERSEDED: 503,
  STORE_UNAVAILABLE: 503,
  CLOSED: 503,
  TIMEOUT: 504,
};

/** What goes out for an error, before it is written to a response or to a bare socket. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ErrorAnswerOptions {
  /** Instead of the table's. Absent: the table's. */
  readonly status?: number;
  /** Sent as well. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An error as an answer: the status, JSON `{ "error": { code, message, retryable, outcome?, retryAfterMs? } }`, and Retry-After on
 * every 503 and on whatever knows when to come back. What is no RouteError says only INTERNAL: its text stays inside.
 */
export function errorAnswer(error: unknown, options: ErrorAnswerOptions = {}): ErrorAnswer {
  const known = RouteError.is(error) ? error : new RouteError("INTERNAL", "internal error");
  const { code, message, retryable, outcome, retryAfterMs } = known;
  const status = options.status ?? STATUS_OF[code];
  const body = JSON.stringify({ error: { code, message, retryable, outcome, retryAfterMs } });
  const headers: Record<string, string> = {
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
  };
  if (status === 503 || retryAfterMs !== undefined) headers["retry-after"] = retryAfterSeconds(retryAfterMs);
  return { status, headers: { ...headers, ...options.headers }, body };
}

/** Answers with the error when nothing was sent yet; else cuts the connection, so that no half answer looks whole. */
export function sendError(res: ServerResponse, error: unknown, options?: ErrorAnswerOptions): void {
  if (res.writableEnded || res.destroyed) return;
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const answer = errorAnswer(error, options);
  res.writeHead(answer.status, answer.headers);
  res.end(answer.body);
}

/** Whole seconds (RFC 9110 section 10.2.3), at least one: 0 would be an invitation to hammer. */
function retryAfterSeconds(retryAfterMs = 1000): string {
  return String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
}
