// Documents that claim something link the tests that hold it: [title of the test](../path/of/the.test.ts). Such a link is true
// while that file has a test of that title, which runs.

/**
 * @typedef {{ title: string, path: string }} LinkedTest `path` is as in the document.
 */

/** The links to tests, in the order of the document. @param {string} document @returns {LinkedTest[]} */
export const linkedTests = (document) =>
  [...document.matchAll(/\[([^\]]+)\]\(([^)\s]+\.ts)\)/g)].map(([, title = "", path = ""]) => ({
    title: title.replaceAll("\\|", "|"),
    path,
  }));

/** Titles of `test`, `it` and the rows of the fault catalogue, with whatever is called on them before: `.each`, `.skip`. */
const TITLED =
  /^[ \t]*(?<call>(?:test|it|faultRow)(?:\.\w+)*)(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|`[^`]*`)?\(\s*(?:\d+,\s*)?(?<quote>["'`])(?<title>.*?)(?<!\\)\k<quote>/gms;
const IDLE = /\.(?:skip|todo|fails|skipIf|runIf)\b/;

/**
 * Why a file doesn't hold what a document says that it holds. Undefined: it does.
 * @param {string} source the file's text
 * @param {string} title
 */
export function whyNotHeld(source, title) {
  // A comment stands on lines of its own; "/*" within a line may be part of a pattern for keys.
  const code = source.replaceAll(/^[ \t]*\/\*.*?\*\//gms, "");
  const found = [...code.matchAll(TITLED)].filter(({ groups }) => groups?.["title"] === title);
  if (found.length === 0) return "it has no test of that title";
  if (found.every(({ groups }) => IDLE.test(groups?.["call"] ?? ""))) return "that test is skipped";
  if (/^[ \t]*describe\.(?:skip|todo|skipIf|runIf)\b/m.test(code)) return "it skips a whole group of tests";
  return undefined;
}
