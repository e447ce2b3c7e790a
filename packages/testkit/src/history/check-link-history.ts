import { refuse } from "@podlink/types";
import { checkRecordedOps } from "./check-recorded-ops.ts";
import type { LinkHistory } from "./recorded-op.ts";

const FACTS = ["operations", "ownedTtlMs", "toleranceMs", "tokensMayRepeat"];

/**
 * Lets a history pass that a checker can judge: a fact that is misspelt, or is NaN, would make it judge another run.
 * @throws RouteError INVALID_ARGUMENT naming the field, the rule and the value
 */
export function checkLinkHistory(history: LinkHistory): void {
  if (typeof history !== "object" || history === null) refuse("history", "an object", history);
  refuseOthers(history, FACTS, "history");
  for (const name of ["ownedTtlMs", "toleranceMs"] as const) {
    const value = history[name];
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) {
      refuse(`history.${name}`, "a number of at least 0", value);
    }
  }
  const { tokensMayRepeat } = history;
  if (tokensMayRepeat !== undefined && typeof tokensMayRepeat !== "boolean") {
    refuse("history.tokensMayRepeat", "true or false", tokensMayRepeat);
  }
  checkRecordedOps(history.operations, "history.operations");
}

/** @throws RouteError INVALID_ARGUMENT for a field that nobody reads */
export function refuseOthers(object: object, known: readonly string[], where: string): void {
  for (const name of Object.keys(object)) {
    if (!known.includes(name)) refuse(name, `one of the fields of ${where}: ${known.join(", ")}`, name);
  }
}
