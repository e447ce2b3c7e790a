import { checkLinkOp, refuse, RouteError } from "@podlink/types";
import type { RecordedOp } from "./recorded-op.ts";

const OUTCOMES: readonly unknown[] = ["answered", "refused", "unknown"];

/**
 * Lets operations pass that can stand in one history.
 * @param field what they are called in messages.
 * @throws RouteError INVALID_ARGUMENT naming the field, the rule and the value
 */
export function checkRecordedOps(operations: readonly RecordedOp[], field = "operations"): void {
  if (!Array.isArray(operations)) refuse(field, "a list", operations);
  const ids = new Set<string>();
  const places = new Set<number>();
  for (const [index, recorded] of operations.entries()) {
    const at = `${field}[${index}]`;
    checkRecordedOp(recorded, at);
    if (ids.has(recorded.id)) refuse(`${at}.id`, "unique in its history", recorded.id);
    ids.add(recorded.id);
    for (const name of ["called", "returned"] as const) {
      const place = recorded[name];
      if (place === undefined) continue;
      if (places.has(place)) refuse(`${at}.${name}`, "the place of no other call or return", place);
      places.add(place);
    }
  }
}

function checkRecordedOp(recorded: RecordedOp, at: string): void {
  if (typeof recorded !== "object" || recorded === null) refuse(at, "an object", recorded);
  const { id, client, op, called, returned, outcome, attempts, times, returnedAtMs } = recorded;
  checkText(id, `${at}.id`);
  checkText(client, `${at}.client`);
  checkNumber(called, `${at}.called`);
  if (!OUTCOMES.includes(outcome?.kind)) refuse(`${at}.outcome.kind`, OUTCOMES.join(", "), outcome?.kind);
  if (returned !== undefined) {
    checkNumber(returned, `${at}.returned`);
    if (returned <= called) refuse(`${at}.returned`, "after the call", returned);
  } else if (outcome.kind !== "unknown") refuse(`${at}.returned`, "there when the outcome is known", returned);
  if (attempts !== undefined && !(Number.isSafeInteger(attempts) && attempts >= 1)) {
    refuse(`${at}.attempts`, "a whole number of at least 1", attempts);
  }
  if (!Array.isArray(times) || times.length === 0) refuse(`${at}.times`, "a list of at least one time", times);
  for (const [index, timeMs] of times.entries()) checkNumber(timeMs, `${at}.times[${index}]`);
  if (returnedAtMs !== undefined) checkNumber(returnedAtMs, `${at}.returnedAtMs`);
  if (outcome.kind !== "refused") checkOp(op, at); // what was refused may be anything
}

function checkOp(op: RecordedOp["op"], at: string): void {
  try {
    checkLinkOp(op);
  } catch (error) {
    const message = `${at}.op: ${RouteError.from(error).message}`;
    throw new RouteError("INVALID_ARGUMENT", message, { outcome: "not-applied", cause: error });
  }
}

function checkText(value: unknown, field: string): void {
  if (typeof value !== "string" || value === "") refuse(field, "a text that is not empty", value);
}

function checkNumber(value: unknown, field: string): void {
  if (typeof value !== "number" || !Number.isFinite(value)) refuse(field, "a number", value);
}
