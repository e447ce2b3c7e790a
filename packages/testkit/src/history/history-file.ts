import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { refuse, RouteError } from "@podlink/types";
import type { Verdict } from "./check-history.ts";
import { checkLinkHistory, refuseOthers } from "./check-link-history.ts";
import type { LinkHistory } from "./recorded-op.ts";

/** A history on disk, with what is needed to make it again and to understand it. */
export interface SavedHistory {
  readonly history: LinkHistory;
  /** What made it. Absent: it was written by hand. */
  readonly seed?: number;
  /** What happened there, for people. */
  readonly note?: string;
  /** What a checker is to say of it. Absent: nobody has said yet. */
  readonly expected?: Verdict["verdict"];
}

const FORMAT = "podlink link history";
const VERSION = 1;
const FIELDS = ["format", "version", "seed", "note", "expected", "history"];
const VERDICTS: readonly unknown[] = ["linearizable", "contradiction", "undecided"];

/** Writes a history as JSON, an operation a line. The folder is made when it is missing; an older file is replaced. */
export function saveHistory(file: string, saved: SavedHistory): void {
  const { history, ...about } = saved;
  checkLinkHistory(history);
  const { operations, ...facts } = history;
  const head = JSON.stringify({ format: FORMAT, version: VERSION, ...about }, null, 2).replace(/\n\}$/, "");
  const known = Object.entries(facts).map(
    ([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`,
  );
  const lines = operations.map((recorded) => `      ${JSON.stringify(recorded)}`).join(",\n");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${head},\n  "history": {\n${known.join("")}    "operations": [\n${lines}\n    ]\n  }\n}\n`);
}

/**
 * Reads what {@link saveHistory} wrote.
 * @throws RouteError INVALID_ARGUMENT naming the file, the field and its rule
 */
export function loadHistory(file: string): SavedHistory {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RouteError("INVALID_ARGUMENT", `${file}: ${reason}`, { outcome: "not-applied", cause: error });
  }
}

function parse(text: string): SavedHistory {
  const { format, version, ...saved } = JSON.parse(text) as SavedHistory & { format?: unknown; version?: unknown };
  if (format !== FORMAT) refuse("format", JSON.stringify(FORMAT), format);
  if (version !== VERSION) refuse("version", `${VERSION}, the only one there is`, version);
  refuseOthers(saved, FIELDS, "the file");
  const { history, seed, note, expected } = saved;
  if (seed !== undefined && !Number.isSafeInteger(seed)) refuse("seed", "a whole number", seed);
  if (note !== undefined && typeof note !== "string") refuse("note", "a text", note);
  if (expected !== undefined && !VERDICTS.includes(expected)) refuse("expected", VERDICTS.join(", "), expected);
  checkLinkHistory(history);
  return saved;
}
