// `npm test` and `npm run verify`: runs one list of gates after another, shows what they say, goes on after a failure, and
// ends with one line for all of them. A gate counts as one check, unless it counts its own and ends with such a line. What
// failed is said again before that last line, where a log that is cut at its beginning still has it.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** @typedef {{ name: string, command: string[] }} Gate */

/** Real processes, real sockets: what passes once may still depend on luck. `npm test` runs them once. */
const endToEnd = ["gateway", "stateful-server", "demo", "counter"].flatMap((app) => ["--project", `@podlink/${app}`]);

/** Tests run against a real one: this finds it, or fetches it. @type {Gate} */
const redis = { name: "redis server", command: ["node", "scripts/redis-tools.mjs"] };

const chaos = ["node", "--import", "tsx", "-C", "@podlink/source", "apps/chaos/src/main.ts"];

/** @type {Record<string, Gate[]>} */
const lists = {
  test: [
    { name: "types", command: ["tsc", "-b"] },
    { name: "lint", command: ["oxlint", "--deny-warnings", "--report-unused-disable-directives"] },
    { name: "format", command: ["oxfmt", "--check"] },
    { name: "unused files, exports, dependencies", command: ["knip", "--no-progress"] },
    { name: "package manifests", command: ["sherif", "--fail-on-warnings"] },
    redis,
    { name: "tests", command: ["vitest", "run", "--coverage", "--project", "!long*"] },
  ],
  verify: [
    redis,
    { name: "lua scripts", command: ["node", "scripts/check-lua.mjs"] },
    { name: "mutants of the lua scripts", command: ["node", "scripts/lua-mutants.mjs"] },
    { name: "fault catalogue", command: ["node", "scripts/faults.mjs"] },
    { name: "long checks", command: ["vitest", "run", "--project", "long", "--maxWorkers", "1"] },
    {
      name: "10,000 histories on a single Redis, and on a Cluster",
      command: ["env", "HISTORIES=10000", "vitest", "run", "--project", "@podlink/redis-executor", "test/history/"],
    },
    { name: "chaos, 90 s", command: [...chaos, "--seconds", "90", "--seed", "1"] },
    {
      // Of the faults that can be planted, the one whose finding depends most on what the schedule does.
      name: "chaos accuses a lease that never ends",
      command: [...chaos, "--seconds", "60", "--seed", "3", "--planted", "never-fenced"],
    },
    { name: "planted faults", command: ["node", "scripts/planted-faults.mjs"] },
    ...[2, 3].map((round) => ({ name: `end to end, round ${round}`, command: ["vitest", "run", ...endToEnd] })),
    { name: "packed packages", command: ["node", "scripts/check-packages.mjs"] },
    { name: "documents", command: ["node", "scripts/check-docs.mjs"] },
  ],
};

const summary = /^(\d+) passed, (\d+) failed, (\d+) skipped$/;

/** A gate that failed and has no line "failed: ..." of its own is told by so many of its last lines. */
const tailLines = 15;

/** @typedef {{ counts: [passed: number, failed: number, skipped: number], why: string[] }} Outcome */

/** @param {Gate} gate @returns {Promise<Outcome>} */
function run({ name, command: [program = "", ...args] }) {
  process.stdout.write(`\n── ${name}\n`);
  const start = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  /** @type {number[] | undefined} */
  let counted;
  /** @type {string[]} */
  const told = [];
  /** @type {string[]} */
  const tail = [];
  for (const [stream, out] of /** @type {const} */ ([
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]))
    createInterface({ input: stream }).on("line", (line) => {
      const found = summary.exec(line);
      if (found) {
        counted = found.slice(1).map(Number);
        return;
      }
      out.write(`${line}\n`);
      if (line.startsWith("failed: ")) told.push(line.slice("failed: ".length));
      if (line.trim() !== "") tail.push(line);
      if (tail.length > tailLines) tail.shift();
    });
  return new Promise((resolve) => {
    child.on("error", (error) => process.stderr.write(`${program}: ${error.message}\n`));
    child.on("close", (code) => {
      const [passed = 0, failures = 0, skipped = 0] = counted ?? [code === 0 ? 1 : 0, 0, 0];
      const failed = code === 0 ? failures : Math.max(failures, 1); // say, too little coverage, though every test passed
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stdout.write(`── ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s\n`);
      resolve({ counts: [passed, failed, skipped], why: failed === 0 ? [] : told.length > 0 ? told : tail });
    });
  });
}

const gates = lists[process.argv[2] ?? ""];
if (!gates) throw new Error(`Which list of gates? ${Object.keys(lists).join(" or ")}`);
const total = [0, 0, 0];
/** @type {string[]} */
const failures = [];
for (const gate of gates) {
  const { counts, why } = await run(gate);
  counts.forEach((count, index) => (total[index] = (total[index] ?? 0) + count));
  if (counts[1] > 0) failures.push(`Failed: ${gate.name}`, ...why.map((line) => `  ${line}`));
}
if (failures.length > 0) process.stdout.write(`\n${failures.join("\n")}\n`);
process.stdout.write(`\n${total[0]} passed, ${total[1]} failed, ${total[2]} skipped\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
