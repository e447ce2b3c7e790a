// What the tool says: a table for each file, the counts by kind, and the whole story of each mutant.
import { kinds } from "./constructs.mjs";
import { isFine } from "./hunt.mjs";

/** @typedef {import("./mutants.mjs").Mutant} Mutant */
/** @typedef {import("./constructs.mjs").Kind} Kind */

/** @typedef {import("./hunt.mjs").Fate} Fate */
/** @typedef {import("./hunt.mjs").Verdict} Verdict */

/** @param {(string | number)[][]} rows the first is the head; numbers stand at the right */
function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows
    .map((row) =>
      row
        .map((cell, at) => (at === 0 ? String(cell).padEnd(widths[at] ?? 0) : String(cell).padStart(widths[at] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/**
 * How many constructs of each kind there are, and how many mutants of them.
 * @param {readonly { constructs: Record<Kind, number>, mutants: readonly Mutant[] }[]} files
 */
export function countsOf(files) {
  const rows = kinds.map((kind) => [
    kind,
    files.reduce((sum, { constructs }) => sum + constructs[kind], 0),
    files.reduce((sum, { mutants }) => sum + mutants.filter((one) => one.kind === kind).length, 0),
  ]);
  const [constructs, mutants] = [1, 2].map((column) => rows.reduce((sum, row) => sum + Number(row[column]), 0));
  return table([["kind", "constructs", "mutants"], ...rows, ["all", constructs ?? 0, mutants ?? 0]]);
}

/** @param {readonly { file: string, constructs: Record<Kind, number> }[]} files @param {readonly Verdict[]} verdicts */
export function tableOf(files, verdicts) {
  const rows = files.map(({ file, constructs }) => {
    const own = verdicts.filter(({ mutant }) => mutant.file === file);
    const count = (/** @type {Fate} */ fate) => own.filter((one) => one.fate === fate).length;
    const sum = Object.values(constructs).reduce((total, one) => total + one, 0);
    return [file, sum, own.length, count("killed"), count("equivalent"), own.length - own.filter(isFine).length];
  });
  const total = [1, 2, 3, 4, 5].map((column) => rows.reduce((sum, row) => sum + Number(row[column]), 0));
  return table([["file", "constructs", "mutants", "killed", "equivalent", "failed"], ...rows, ["all", ...total]]);
}

/** One mutant for a person. @param {Verdict} verdict */
export const storyOf = ({ mutant, fate, by, why, ms }) =>
  [
    `${fate}  lua/${mutant.file}.lua:${mutant.line}  ${mutant.id}`,
    `    ${mutant.before}`,
    `  → ${mutant.after}`,
    ...(by ? [`  by ${by.spec}: ${by.test}`, `     ${by.message.split("\n")[0]}`] : []),
    ...(why ? [`  since ${why}`] : []),
    `  ${(ms / 1000).toFixed(2)} s`,
  ].join("\n");
