import type { IncomingHttpHeaders } from "node:http";
import { refuse } from "@podlink/types";

/** One request as the user of the generator describes it. */
export interface LoadRequest {
  readonly method: string;
  /** Begins with "/". */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /**
   * Sent as `Idempotency-Key` with each attempt: the service carries out the request once, however often it comes.
   * Absent: an attempt whose outcome is unknown is not repeated.
   */
  readonly key?: string;
  /** Whether an acknowledgement is one more change of the user's state. Default: by method, all but GET and HEAD. */
  readonly isChange?: boolean;
}

/** The request when it can be sent. @throws RouteError INVALID_ARGUMENT */
export function checkRequest(request: LoadRequest): LoadRequest {
  if (typeof request !== "object" || request === null) refuse("the request", "{ method, path }", request);
  if (typeof request.method !== "string") refuse("method", "a string", request.method);
  if (typeof request.path !== "string" || !request.path.startsWith("/")) refuse("path", 'text after "/"', request.path);
  return request;
}

/** A whole response. */
export interface HttpAnswer {
  readonly kind: "answer";
  readonly status: number;
  /** Lower case names. */
  readonly headers: IncomingHttpHeaders;
  /** The body as UTF-8. */
  readonly text: string;
}

/** There is no whole response. */
export interface NoAnswer {
  readonly kind: "no-answer";
  /** Whether anything of the request may have left: false is a proof that it was not carried out. */
  readonly sent: boolean;
  /** `timeout`, `aborted`, or the code of the error: `ECONNREFUSED`, `UND_ERR_SOCKET`... */
  readonly reason: string;
}

/** How one attempt ended. */
export type AttemptEnd = HttpAnswer | NoAnswer;

/** podlink's JSON error in an answer, as far as it can be relied on. */
export interface AnsweredError {
  readonly code?: string;
  readonly outcome?: "not-applied" | "unknown";
  readonly retryAfterMs?: number;
}

/** What `{ "error": { code, outcome?, retryAfterMs? } }` says. Empty: the body is something else. */
export function answeredError({ text }: HttpAnswer): AnsweredError {
  const { error } = objectIn(text) as { readonly error?: unknown };
  if (typeof error !== "object" || error === null) return {};
  const { code, outcome, retryAfterMs } = error as Readonly<Record<string, unknown>>;
  return {
    ...(typeof code === "string" && { code }),
    ...((outcome === "not-applied" || outcome === "unknown") && { outcome }),
    ...(typeof retryAfterMs === "number" && retryAfterMs >= 0 && { retryAfterMs }),
  };
}

function objectIn(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
