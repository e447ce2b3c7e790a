import { createHash } from "node:crypto";
import { describeValue, refuse, RouteError } from "@podlink/types";

/** One change that somebody asks for, checked. */
export interface ChangeRequest {
  readonly kind: "incr" | "say";
  /** What is said. Absent: `incr`. */
  readonly text?: string;
  /** The Idempotency-Key. Absent: a repeat is a second change. */
  readonly key?: string;
  /** Tells this request from any other that would use the same key. */
  readonly fingerprint: string;
}

/** Visible ASCII: it stands in a header (RFC 9110 section 5.5). */
const KEY = /^[!-~]{1,128}$/;

/** The change that a body, or a message on a socket, asks for. @throws RouteError INVALID_ARGUMENT */
export function changeRequest(
  kind: "incr" | "say",
  asked: { readonly body: unknown; readonly key: unknown },
  limits: { readonly maxTextLength: number },
): ChangeRequest {
  const key = checkKey(asked.key);
  if (kind === "incr") {
    if (asked.body !== undefined) fieldsOf(asked.body, []);
    return { kind, fingerprint: kind, ...key };
  }
  const { text } = fieldsOf(asked.body, ["text"]);
  const checked = checkText(text, limits.maxTextLength);
  const fingerprint = `say ${createHash("sha256").update(checked).digest("base64url").slice(0, 22)}`;
  return { kind, text: checked, fingerprint, ...key };
}

function checkKey(key: unknown): { key: string } | undefined {
  if (key === undefined) return undefined;
  return typeof key === "string" && KEY.test(key)
    ? { key }
    : refuse("Idempotency-Key", "1 to 128 visible ASCII characters", key);
}

function checkText(text: unknown, maxLength: number): string {
  const valid = typeof text === "string" && text.length > 0 && text.length <= maxLength && isWellFormed(text);
  return valid ? text : refuse("text", `1 to ${maxLength} characters of well-formed text`, text);
}

/** The fields of a JSON object that has no others. */
function fieldsOf(body: unknown, allowed: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    refuse("the body", "a JSON object", body);
  }
  const unknown = Object.keys(body).find((name) => !allowed.includes(name));
  if (unknown !== undefined) {
    const message = `the body has a field that isn't known: ${describeValue(unknown)}`;
    throw new RouteError("INVALID_ARGUMENT", message, { outcome: "not-applied" });
  }
  return { ...body };
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text); // with the u flag only a lone one matches
}
