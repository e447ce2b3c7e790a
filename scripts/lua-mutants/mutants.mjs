// Every mutant of every Lua file: one construct of one file, changed in one way.
import { readdirSync, readFileSync } from "node:fs";
import { absolute } from "../workspace.mjs";
import { constructsIn, kinds } from "./constructs.mjs";
import { editsIn } from "./operators.mjs";
import { parse } from "./syntax.mjs";

/** @typedef {import("./constructs.mjs").Kind} Kind */

/**
 * `id` names file, function, construct by its own text, and change: it stays the same whatever is edited around it.
 * @typedef {{
 *   id: string, file: string, line: number, kind: Kind, operator: string, before: string, after: string, source: string,
 * }} Mutant `file`: from lua/, without the suffix; `source`: the whole file
 */

/** The Lua files by their path from lua/, without the suffix. @returns {string[]} */
export const files = () =>
  readdirSync(absolute("lua"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".lua") && !path.startsWith("node_modules"))
    .map((path) => path.slice(0, -".lua".length))
    .toSorted();

/** @param {string} file */
export const textOfFile = (file) => readFileSync(absolute(`lua/${file}.lua`), "utf8");

/** @param {string} text */
const oneLine = (text) => text.replaceAll(/\s+/g, " ").trim();

/** How much of a construct its id says, in characters. */
const ID_TEXT = 90;

/** @param {string} text */
const shortened = (text) => (text.length <= ID_TEXT ? text : `${text.slice(0, ID_TEXT)}…`);

/**
 * Those of one file, and how many constructs of each kind it has.
 * @param {string} file @param {string} text
 * @returns {{ constructs: Record<Kind, number>, mutants: Mutant[] }}
 * @throws Error when a construct has no mutant, or one that isn't Lua
 */
export function mutantsIn(file, text) {
  const edits = editsIn(text);
  const counts = /** @type {Record<Kind, number>} */ (Object.fromEntries(kinds.map((kind) => [kind, 0])));
  /** @type {Map<string, number>} */
  const seen = new Map();
  const mutants = constructsIn(text).flatMap((construct) => {
    const { kind, node, functionName } = construct;
    counts[kind] += 1;
    const line = text.slice(0, node.range[0]).split("\n").length;
    const before = oneLine(text.slice(...node.range));
    const name = `${file}${functionName && ` ${functionName}`}: ${kind} \`${shortened(before)}\``;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    const made = edits(construct).map(({ operator, range: [from, to], after }) => ({
      id: `${name}${times > 1 ? ` (${times})` : ""} → ${operator}`,
      file,
      line,
      kind,
      operator,
      before,
      after: oneLine(after),
      source: text.slice(0, from) + after + text.slice(to),
    }));
    if (made.length === 0) throw new Error(`lua/${file}.lua:${line}: no mutant for ${kind} ${before}`);
    return made;
  });
  for (const { id, source } of mutants) {
    try {
      parse(source);
    } catch (error) {
      throw new Error(`${id}: this mutant is not Lua`, { cause: error });
    }
  }
  return { constructs: counts, mutants };
}
