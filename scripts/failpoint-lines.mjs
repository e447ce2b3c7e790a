// The lines by which failpoints stand in the sources. Packing takes them out and leaves empty lines, so that every other line
// keeps its number; a test holds the sources to these two forms.

/** Where the word may stand: the function itself, which no published package has, and the package that makes points act. */
export const home = { folder: "packages/types", file: /^failpoint\./ };
export const exempt = "packages/testkit";

const imported = /^import \{ failpoint \} from "@podlink\/types\/failpoint";$/;
const called = /^\s*(?:await )?failpoint\("([a-z-]+)", \{ .* \}\);$/;

/** @param {string} line */
export const mentions = (line) => /failpoint/i.test(line);

/** The name of the point that a line calls. Absent: it calls none. @param {string} line */
export const pointOf = (line) => called.exec(line)?.[1];

/** @param {string} line */
export const isTakenOut = (line) => imported.test(line) || called.test(line);

/**
 * The text with empty lines where failpoints stood.
 * @param {string} text @throws Error naming the line that mentions them in any other form
 */
export function withoutFailpoints(text) {
  const lines = text.split("\n").map((line) => (isTakenOut(line) ? "" : line));
  const left = lines.findIndex(mentions);
  if (left >= 0)
    throw new Error(`line ${left + 1} mentions failpoints in a form that can't be taken out: ${lines[left]}`);
  return lines.join("\n");
}
