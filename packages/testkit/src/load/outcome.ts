import type { AttemptEnd } from "./http-answer.ts";
import { answeredError } from "./http-answer.ts";

/**
 * What is known of a request.
 * - `acknowledged`: it was carried out.
 * - `refused`: it was certainly not carried out.
 * - `unknown`: it may have been carried out, now or later.
 * - `failed`: an answer that no right request gets; the load itself is wrong, or the service is.
 */
export type Outcome = (typeof OUTCOMES)[number];

export const OUTCOMES = ["acknowledged", "refused", "unknown", "failed"] as const;

/**
 * The default rules, the first that fits:
 * 1. no whole response: `refused` if nothing of the request had left, else `unknown`; `failed` if it is no HTTP request;
 * 2. 2xx: `acknowledged`;
 * 3. a JSON error of podlink's with `outcome: "unknown"`: `unknown`;
 * 4. 421 and 429: `refused`;
 * 5. 5xx with `outcome: "not-applied"`, and 503 with `Retry-After`: `refused`;
 * 6. any other 5xx, 504 among them: `unknown`;
 * 7. everything else: `failed`.
 */
export function outcomeOf(end: AttemptEnd): Outcome {
  if (end.kind === "no-answer") {
    if (end.reason === "UND_ERR_INVALID_ARG") return "failed"; // undici would not send it
    return end.sent ? "unknown" : "refused";
  }
  const { status, headers } = end;
  if (status >= 200 && status < 300) return "acknowledged";
  const { outcome } = answeredError(end);
  if (outcome === "unknown") return "unknown";
  if (status === 421 || status === 429) return "refused";
  if (status < 500) return "failed";
  if (outcome === "not-applied") return "refused";
  return status === 503 && headers["retry-after"] !== undefined ? "refused" : "unknown";
}

/** How an attempt ended in a few words, the same for all of a kind: a key to count by. */
export function reasonOf(end: AttemptEnd): string {
  if (end.kind === "no-answer") return `${end.reason} ${end.sent ? "after" : "before"} sending`;
  const { code } = answeredError(end);
  return code === undefined ? String(end.status) : `${end.status} ${code}`;
}

/** The longest that a service may make us wait: more is no advice but a mistake. */
const MAX_ADVISED_MS = 3_600_000;

/** How long the service asks to wait before the next attempt, in milliseconds. Absent: it doesn't say. */
export function advisedWaitMs(end: AttemptEnd, wallMs: number): number | undefined {
  if (end.kind === "no-answer") return undefined;
  const exact = answeredError(end).retryAfterMs; // the header has whole seconds only
  const advised = exact ?? fromHeader(end.headers["retry-after"], wallMs);
  return advised === undefined ? undefined : Math.min(advised, MAX_ADVISED_MS);
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function fromHeader(value: string | undefined, wallMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - wallMs);
}
