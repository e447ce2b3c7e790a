import type { Link } from "./link.ts";

/** Every way in which podlink says no. Closed: a `switch` over it is checked by the compiler. */
export type RouteErrorCode =
  /** An argument breaks its rule; the message names the field, the rule and the value. */
  | "INVALID_ARGUMENT"
  /** No pod of that service was ever registered. */
  | "SERVICE_NOT_FOUND"
  /** There are pods, and none of them can take the uid now. */
  | "NO_ROUTABLE_POD"
  /** The pod that holds the link can't serve now, and the link may not be moved yet. */
  | "POD_UNAVAILABLE"
  /** This pod doesn't hold the uid. */
  | "NOT_HOLDER"
  /** A newer registration of the same pod index exists. */
  | "SUPERSEDED"
  /** No store is registered for that namespace. */
  | "NAMESPACE_UNKNOWN"
  | "TAG_NOT_FOUND"
  /** The store can't be reached, or refuses work to stay within its limits. */
  | "STORE_UNAVAILABLE"
  /** Not answered within the deadline. Look at `outcome`: "unknown" means that it may have been done. */
  | "TIMEOUT"
  /** The caller's signal was aborted. */
  | "CANCELLED"
  /** The stored record has a newer format or another type; it was left untouched. */
  | "CORRUPT"
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  /** An option breaks its rule; nothing was started. */
  | "CONFIG"
  /** The driver or store was closed. */
  | "CLOSED"
  | "INTERNAL";

/** What is known of the effect of a failed operation. Absent: the operation has none. */
export type RouteErrorOutcome = "not-applied" | "unknown";

export interface RouteErrorDetails {
  /** What caused it. Kept for people; never parsed. */
  readonly cause?: unknown;
  /** Default: by code, see {@link RouteError.retryable}. */
  readonly retryable?: boolean;
  readonly outcome?: RouteErrorOutcome;
  /** When trying again makes sense, in milliseconds from now. Absent: not known. */
  readonly retryAfterMs?: number;
  /** With NOT_HOLDER: the link that holds instead. Absent: not known. */
  readonly link?: Link;
}

const RETRYABLE: ReadonlySet<RouteErrorCode> = new Set<RouteErrorCode>([
  "NO_ROUTABLE_POD",
  "POD_UNAVAILABLE",
  "STORE_UNAVAILABLE",
  "TIMEOUT",
]);

// A registered symbol, not instanceof: two installed copies of this package recognise each other's errors.
const BRAND = Symbol.for("podlink.RouteError");

/** The one error class of podlink. */
export class RouteError extends Error {
  override readonly name = "RouteError";
  readonly code: RouteErrorCode;
  /** Whether the same call can succeed later without anybody changing anything. */
  readonly retryable: boolean;
  declare readonly outcome?: RouteErrorOutcome;
  declare readonly retryAfterMs?: number;
  /** With NOT_HOLDER: the link that holds instead. Absent: not known. */
  declare readonly link?: Link;

  constructor(code: RouteErrorCode, message: string, details: RouteErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? RETRYABLE.has(code);
    if (details.outcome !== undefined) this.outcome = details.outcome;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    if (details.link !== undefined) this.link = details.link;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether a caught value is a RouteError, of this or another installed copy of the package. */
  static is(value: unknown): value is RouteError {
    return typeof value === "object" && value !== null && BRAND in value;
  }

  /** The value itself when it is a RouteError; else INTERNAL with the value as its cause. */
  static from(value: unknown, code: RouteErrorCode = "INTERNAL"): RouteError {
    if (RouteError.is(value)) return value;
    const message = value instanceof Error ? value.message : String(value);
    return new RouteError(code, message, { cause: value });
  }
}
