import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { CheckOptions, Verdict } from "./check-history.ts";
import { checkHistory } from "./check-history.ts";
import { loadHistory } from "./history-file.ts";
import type { ModelRecord } from "./link-model.ts";

/** A kept history and what a checker says of it now. */
export interface ReplayedCase {
  /** Its file's name. */
  readonly file: string;
  readonly note?: string;
  /** What it is to say. Absent: the file names no verdict. */
  readonly expected?: Verdict["verdict"];
  readonly verdict: Verdict;
}

/**
 * Checks every history in a folder (`*.json`) again, in the order of their names.
 * @throws RouteError INVALID_ARGUMENT for a file that is no history
 */
export function replayCases<R extends ModelRecord>(folder: string, options: CheckOptions<R>): ReplayedCase[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files.toSorted().map((file) => {
    const { history, note, expected } = loadHistory(join(folder, file));
    return {
      file,
      ...(note === undefined ? {} : { note }),
      ...(expected === undefined ? {} : { expected }),
      verdict: checkHistory(history, options),
    };
  });
}
