import { codeAt } from "./code-at.ts";
import { RouteError } from "./route-error.ts";

/** The longest DNS-1123 label (RFC 1123, RFC 1035 section 2.3.4). */
const MAX_LABEL_LENGTH = 63;
/** The most bytes of UTF-8 that a uid or a tag may take. */
const MAX_TEXT_BYTES = 256;
/** The highest pod ordinal that podlink stores: 16 bits. */
export const MAX_POD_INDEX = 65_535;
/** The most items that one public call takes; larger ones are refused before anything is sent. */
export const MAX_CALL_ITEMS = 10_000;

const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const LABEL_RULE = `a DNS-1123 label: 1 to ${MAX_LABEL_LENGTH} characters of a-z, 0-9 and "-", not first or last`;
const TEXT_RULE = `1 to ${MAX_TEXT_BYTES} bytes of well-formed UTF-8 without control characters, not "." or ".."`;

/** Returns the value when it is a Kubernetes namespace. @throws RouteError INVALID_ARGUMENT naming the field and the rule. */
export function checkNamespace(value: unknown, field = "namespace"): string {
  return isLabel(value) ? value : refuse(field, LABEL_RULE, value);
}

/** Returns the value when it is the name of a stateful service. @throws RouteError INVALID_ARGUMENT */
export function checkService(value: unknown, field = "service"): string {
  return isLabel(value) ? value : refuse(field, LABEL_RULE, value);
}

/** Returns the value when it can be routed. @throws RouteError INVALID_ARGUMENT */
export function checkUid(value: unknown, field = "uid"): string {
  return isText(value) ? value : refuse(field, TEXT_RULE, value);
}

/** Returns the value when it can be a service tag. @throws RouteError INVALID_ARGUMENT */
export function checkTag(value: unknown, field = "tag"): string {
  return isText(value) ? value : refuse(field, TEXT_RULE, value);
}

/** Returns the value when it is a pod's ordinal; 0 is an ordinary pod. @throws RouteError INVALID_ARGUMENT */
export function checkPodIndex(value: unknown, field = "podIndex"): number {
  return isIntegerWithin(value, 0, MAX_POD_INDEX)
    ? value
    : refuse(field, `an integer from 0 to ${MAX_POD_INDEX}`, value);
}

/** Returns the value when it is the number of a registration. @throws RouteError INVALID_ARGUMENT */
export function checkIncarnation(value: unknown, field = "incarnation"): number {
  return isIntegerWithin(value, 1, Number.MAX_SAFE_INTEGER)
    ? value
    : refuse(field, "an integer from 1 to 2^53 - 1; leave it out for a reservation", value);
}

/** Returns the value when it is a span of time. @throws RouteError INVALID_ARGUMENT */
export function checkDurationMs(value: unknown, field: string, min = 0, max: number = Number.MAX_SAFE_INTEGER): number {
  return isIntegerWithin(value, min, max)
    ? value
    : refuse(field, `a whole number of milliseconds, at least ${min}`, value);
}

/** Returns the list when it is short enough for one call. @throws RouteError INVALID_ARGUMENT */
export function checkItems<T>(items: readonly T[], field: string): readonly T[] {
  if (!Array.isArray(items)) return refuse(field, "a list", items);
  return items.length <= MAX_CALL_ITEMS
    ? items
    : refuse(field, `at most ${MAX_CALL_ITEMS} items a call; split it`, items.length);
}

/** Throws INVALID_ARGUMENT with field, rule and the shortened, escaped value. */
export function refuse(field: string, rule: string, value: unknown): never {
  throw new RouteError("INVALID_ARGUMENT", `${field} must be ${rule}; got ${describeValue(value)}`, {
    outcome: "not-applied",
  });
}

/** A value as it may stand in a message or a log line: escaped, at most about 48 characters. */
export function describeValue(value: unknown): string {
  const text = typeof value === "string" ? value : (safeJson(value) ?? String(value));
  const shortened = text.length > 48 ? `${text.slice(0, 45)}...` : text;
  const escaped = JSON.stringify(shortened).replace(/[\u007f-\u009f\u2028\u2029]/g, escapeCharacter);
  return typeof value === "string" ? escaped : escaped.slice(1, -1);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function safeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // a cycle, a BigInt or a throwing toJSON: String() says enough
  }
}

/** The two labels that were found good last: a namespace and a service, as a rule, and the same in every call. */
let [label, otherLabel] = ["", ""];

function isLabel(value: unknown): value is string {
  if (value === label || value === otherLabel) return value !== "";
  const isGood = typeof value === "string" && value.length <= MAX_LABEL_LENGTH && LABEL.test(value);
  if (isGood) [label, otherLabel] = [value, label];
  return isGood;
}

function isIntegerWithin(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
}

/** One pass without allocation: length in UTF-8, surrogates in pairs, no control characters. */
function isText(value: unknown): value is string {
  if (typeof value !== "string" || value.length === 0 || value.length > MAX_TEXT_BYTES) return false;
  if (value === "." || value === "..") return false;
  let bytes = 0;
  for (let index = 0; index < value.length; index += 1) {
    const code = codeAt(value, index);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false;
    if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else if (code < 0xd800 || code > 0xdfff) bytes += 3;
    else {
      const low = codeAt(value, index + 1); // NaN at the end: not a low surrogate
      if (code > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) return false;
      bytes += 4;
      index += 1;
    }
  }
  return bytes <= MAX_TEXT_BYTES;
}
