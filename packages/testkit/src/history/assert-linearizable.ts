import { join } from "node:path";
import type { CheckOptions } from "./check-history.ts";
import { checkHistory } from "./check-history.ts";
import { saveHistory } from "./history-file.ts";
import type { ModelRecord } from "./link-model.ts";
import type { LinkHistory } from "./recorded-op.ts";
import { shrinkHistory } from "./shrink-history.ts";

export interface AssertOptions<R extends ModelRecord> extends CheckOptions<R> {
  /** What made the history: it is in the message and in the file. Absent: nothing to make it again with. */
  readonly seed?: number;
  /** A folder for what fails: `<seed>.json` as it was, `<seed>.small.json` shrunk. Absent: nothing is kept. */
  readonly saveTo?: string;
}

/**
 * Returns when the history is linearizable. A contradiction is shrunk, saved, and thrown so that a person sees it.
 * @throws Error with the explanation of the shrunk history, its seed and its files; also when the checker can't decide
 */
export function assertLinearizable<R extends ModelRecord>(history: LinkHistory, options: AssertOptions<R>): void {
  const { seed, saveTo, ...checkOptions } = options;
  const verdict = checkHistory(history, checkOptions);
  if (verdict.verdict === "linearizable") return;
  const name = seed === undefined ? "history" : `seed ${seed}`;
  const files = saveTo === undefined ? undefined : join(saveTo, seed === undefined ? "history" : String(seed));
  const keep = (end: string, kept: LinkHistory, note: string): string => {
    if (files === undefined) return "";
    const file = `${files}${end}`;
    saveHistory(file, { history: kept, note, ...(seed === undefined ? {} : { seed }) });
    return `\nkept in ${file}`;
  };
  const whole = keep(".json", history, `${verdict.verdict}, as it was recorded`);
  if (verdict.verdict === "undecided") {
    throw new Error(`${name}: undecided, the search reached its limit on ${verdict.links.join(", ")}${whole}`);
  }
  let { explanation } = verdict;
  const small = shrinkHistory(history, (candidate) => {
    const again = checkHistory(candidate, checkOptions);
    if (again.verdict !== "contradiction" || again.reason !== verdict.reason) return false;
    ({ explanation } = again);
    return true;
  });
  const shrunk = keep(".small.json", small, `contradiction: ${verdict.reason}`);
  throw new Error(`${name}: ${explanation}\n${whole}${shrunk}`);
}
