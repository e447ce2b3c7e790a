// Runs the tests of the fault catalogue, one after another, and holds docs/faults.md to what they proved: it fails when the
// table there says anything else of a row than its tests do now. `--write` writes the table.
import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { REPORT } from "./faults-reporter.mjs";
import { absolute } from "./workspace.mjs";

const DOCUMENT = absolute("docs/faults.md");
const [BEGIN, END] = ["<!-- the rows: begin -->", "<!-- the rows: end -->"];
const summary = /^(\d+) passed, (\d+) failed, (\d+) skipped$/;

/** @returns {Promise<number[]>} passed, failed, skipped */
function runRows() {
  rmSync(REPORT, { force: true });
  const reporters = ["./scripts/summary-reporter.mjs", "./scripts/faults-reporter.mjs", "default"];
  const child = spawn(
    "vitest",
    ["run", "--project", "long-rows", "--maxWorkers", "1", ...reporters.map((reporter) => `--reporter=${reporter}`)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let counted = [0, 1, 0];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const found = summary.exec(line);
    if (found) counted = found.slice(1).map(Number);
    else process.stdout.write(`${line}\n`);
  });
  return new Promise((resolve) => child.on("close", () => resolve(counted)));
}

/** @returns {Map<number, { fault: string, must: string }>} */
function readCatalogue() {
  // Source text, not an import: this runs without a loader for TypeScript.
  const text = readFileSync(absolute("apps/faults/src/catalogue.ts"), "utf8");
  const rows = text.matchAll(/^ {2}(\d+): \{\s*fault: "(.*?)",\s*must: "(.*?)",?\s*\},$/gms);
  return new Map([...rows].map(([, row, fault = "", must = ""]) => [Number(row), { fault, must }]));
}

/** @param {string} text */
const cell = (text) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** @param {import("./faults-reporter.mjs").RowTest[]} tests */
function stateOf(tests) {
  if (tests.length === 0) return "not yet";
  return tests.every(({ state }) => state === "passed") ? "passes" : "fails";
}

/** @param {import("./faults-reporter.mjs").RowTest[]} tests */
function tableOf(tests) {
  const lines = ["| row | fault | must | | test | seen |", "|---|---|---|---|---|---|"];
  for (const [row, { fault, must }] of readCatalogue()) {
    const own = tests.filter((test) => test.row === row);
    const shown = own.map(({ title, file }) => `[${cell(title)}](../${file})`).join("; ");
    const seen = own.map((test) => test.seen).filter(Boolean);
    lines.push(`| ${row} | ${cell(fault)} | ${cell(must)} | ${stateOf(own)} | ${shown} | ${cell(seen.join("; "))} |`);
  }
  return lines.join("\n");
}

/** What must not differ: all but what was seen. @param {string} table */
const withoutSeen = (table) =>
  table
    .trim()
    .split("\n")
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(0, -2)
        .join("|"),
    ) // what was seen may have an escaped one in it
    .join("\n");

const [passed = 0, failed = 0, skipped = 0] = await runRows();
/** @type {import("./faults-reporter.mjs").RowTest[]} */
const tests = JSON.parse(readFileSync(REPORT, "utf8"));
const table = tableOf(tests);
const states = [...readCatalogue().keys()].map((row) => stateOf(tests.filter((test) => test.row === row)));
/** @param {string} state */
const count = (state) => states.filter((one) => one === state).length;
const sum = `${count("passes")} of ${states.length} rows pass, ${count("fails")} fail, ${count("not yet")} are not tested yet.`;
process.stdout.write(`${sum}\n`);

const [before = "", rest = ""] = readFileSync(DOCUMENT, "utf8").split(BEGIN);
const [known = "", after = ""] = rest.split(END);
const wanted = `\n\n${sum}\n\n${table}\n\n`;
if (process.argv.includes("--write")) writeFileSync(DOCUMENT, before + BEGIN + wanted + END + after);
const differs = !process.argv.includes("--write") && withoutSeen(known) !== withoutSeen(wanted);
if (differs) process.stdout.write("✗ docs/faults.md says something else: node scripts/faults.mjs --write\n");
process.stdout.write(
  `\n${passed + (differs ? 0 : 1)} passed, ${failed + (differs ? 1 : 0)} failed, ${skipped} skipped\n`,
);
process.exitCode = failed > 0 || differs ? 1 : 0;
