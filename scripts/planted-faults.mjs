// Shows that the tools find what breaks: plants the faults of planted-faults/faults.mjs one by one, runs the test that must find each, and
// demands that it fails with that very finding. First all these tests run without any fault: silent.
//
//   node scripts/planted-faults.mjs [name...] [--write]
//
// --write puts the table into docs/testing.md; without it the table there must say the same, but for how soon.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { absolute } from "./workspace.mjs";
import { faults } from "./planted-faults/faults.mjs";
import { plantedNotice } from "./planted-faults/plugin.mjs";

/** Long enough for the slowest of them on a busy machine; one that hangs has found nothing. */
const WITHIN_MS = 300_000;
const DOCUMENT = absolute("docs/testing.md");
const [BEGIN, END] = ["<!-- planted faults: begin -->", "<!-- planted faults: end -->"];

/** @typedef {{ code: number | null, output: string, failed: { name: string, message: string, ms: number }[] }} Run */

/**
 * @param {string[]} args @param {Record<string, string>} [environment] @returns {Promise<Run>}
 */
function vitest(args, environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), "podlink-planted-"));
  const report = join(folder, "report.json");
  const child = spawn(
    "vitest",
    ["run", "--reporter=default", "--reporter=json", `--outputFile=${report}`, "--maxWorkers", "1", ...args],
    {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: WITHIN_MS,
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, output: stripVTControlCharacters(output), failed: failuresIn(report) });
      rmSync(folder, { recursive: true, force: true });
    });
  });
}

/** @param {string} report @returns {Run["failed"]} */
function failuresIn(report) {
  /** @type {{ testResults: { assertionResults: { status: string, fullName: string, duration?: number, failureMessages: string[] }[] }[] }} */
  let results;
  try {
    results = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return []; // it never got so far
  }
  return results.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "failed")
    .map(({ fullName, duration = 0, failureMessages }) => ({
      name: fullName,
      message: failureMessages.join("\n"),
      ms: duration,
    }));
}

/** @param {import("./planted-faults/faults.mjs").PlantedFault["test"]} test */
const selected = ({ project, file, name }) => ["--project", project, file, ...(name === undefined ? [] : ["-t", name])];

/** How soon a test found it, in words: what it counts itself, and how long the test took. @param {Run["failed"][number]} found */
function howSoon({ message, ms }) {
  const counted = /(?:failed after (\d+) tests)|(?:(history|run|round|cycle) (\d+) of \d+)/.exec(message);
  const seconds = `${(ms / 1000).toFixed(1)} s`;
  if (counted === null) return seconds;
  return counted[1] === undefined ? `${counted[2]} ${counted[3]}, ${seconds}` : `run ${counted[1]}, ${seconds}`;
}

/** @param {import("./planted-faults/faults.mjs").PlantedFault} fault @returns {Promise<{ soon: string } | { wrong: string }>} */
async function find(fault) {
  const run = await vitest(selected(fault.test), { PODLINK_PLANTED: fault.name });
  if (!run.output.includes(plantedNotice(fault.name))) return { wrong: `it was never planted:\n${run.output}` };
  const [found] = run.failed;
  // In all that was said: the report has no causes, and a property's failure is one.
  if (found !== undefined && fault.finding.test(run.output)) return { soon: howSoon(found) };
  return { wrong: run.code === 0 ? "nothing was found" : `something else was found:\n${run.output}` };
}

/** @param {readonly { fault: import("./planted-faults/faults.mjs").PlantedFault, soon: string }[]} found */
function tableOf(found) {
  const rows = found.map(({ fault: { fault, instrument }, soon }) => `| ${fault} | ${instrument} | ${soon} |`);
  return ["| fault | instrument | found, here |", "|---|---|---|", ...rows].join("\n");
}

/** The rows without their last column. @param {string} table */
const withoutSoon = (table) =>
  table
    .trim()
    .split("\n")
    .map((row) => row.replace(/[^|]*\|$/, ""))
    .join("\n");

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith("--"));
const unknown = names.filter((name) => !faults.some((fault) => fault.name === name));
if (unknown.length > 0)
  throw new Error(`There is no fault ${unknown.join(", ")}; there are ${faults.map(({ name }) => name).join(", ")}`);
const chosen = faults.filter(({ name }) => names.length === 0 || names.includes(name));
const count = { passed: 0, failed: 0 };
/** @param {string} what @param {string} [wrong] */
const say = (what, wrong) => {
  count[wrong === undefined ? "passed" : "failed"] += 1;
  process.stdout.write(wrong === undefined ? `✓ ${what}\n` : `✗ ${what}: ${wrong}\n`);
};

// Each with its own selection: a name in one file must not leave out what another file has.
for (const test of new Map(chosen.map(({ test: one }) => [selected(one).join(" "), one])).values()) {
  const { code, output, failed } = await vitest(selected(test));
  say(`silent without a fault: ${selected(test).join(" ")}`, code === 0 ? undefined : (failed[0]?.message ?? output));
}
const found = [];
for (const fault of chosen) {
  const result = await find(fault);
  if ("soon" in result) found.push({ fault, soon: result.soon });
  say(`${fault.name}: ${"soon" in result ? result.soon : "not found"}`, "wrong" in result ? result.wrong : undefined);
}
if (names.length === 0 && count.failed === 0) {
  const text = readFileSync(DOCUMENT, "utf8");
  const [before = "", rest = ""] = text.split(BEGIN);
  const [table = "", after = ""] = rest.split(END);
  if (args.includes("--write")) writeFileSync(DOCUMENT, `${before}${BEGIN}\n\n${tableOf(found)}\n\n${END}${after}`);
  else if (withoutSoon(table) !== withoutSoon(tableOf(found)))
    say("the table in docs/testing.md", "it differs: node scripts/planted-faults.mjs --write");
}
process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, 0 skipped\n`);
process.exitCode = count.failed > 0 ? 1 : 0;
