import { parseArgs } from "node:util";

const USAGE = `npm run mutants -- [options]

  --file lib/remove   only the files whose path from lua/ begins so
  --list              the mutants, without running anything
  --counts            how many constructs and mutants of each kind, without running anything
  --json              with --list, or for the verdicts: one JSON document instead of text
  --directed          without the tests of random histories: shows what they alone find
  --workers 2         how many processes run tests at the same time
  --help              this`;

/** @param {string[]} args */
const read = (args) =>
  parseArgs({
    args,
    options: {
      file: { type: "string", default: "" },
      list: { type: "boolean", default: false },
      counts: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      directed: { type: "boolean", default: false },
      workers: { type: "string", default: "2" },
      help: { type: "boolean", default: false },
    },
  }).values;

/** What was asked for. Ends the process where only the usage can answer. @param {string[]} args */
export function readArguments(args) {
  try {
    const { help, workers: given, ...options } = read(args);
    if (help) return leave(0, USAGE);
    const workers = Number(given);
    if (Number.isInteger(workers) && workers >= 1) return { ...options, workers };
    return leave(2, `--workers ${given}: a whole number from 1\n\n${USAGE}`);
  } catch (error) {
    return leave(2, `${/** @type {Error} */ (error).message}\n\n${USAGE}`);
  }
}

/** @param {number} code @param {string} text @returns {never} */
function leave(code, text) {
  (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  process.exit(code);
}
