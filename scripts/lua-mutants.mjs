// `npm run mutants`: changes the Lua scripts in every way that a slip could, one at a time, and has the tests find each.
// A mutant that no test finds fails the run, unless scripts/lua-mutants/equivalents.json says why none can.
import { mkdirSync, writeFileSync } from "node:fs";
import { readArguments } from "./lua-mutants/arguments.mjs";
import { equivalents } from "./lua-mutants/equivalents.mjs";
import { baseline, hunt, isFine } from "./lua-mutants/hunt.mjs";
import { files, mutantsIn, textOfFile } from "./lua-mutants/mutants.mjs";
import { countsOf, storyOf, tableOf } from "./lua-mutants/report.mjs";
import { absolute } from "./workspace.mjs";

const { workers, ...options } = readArguments(process.argv.slice(2));

/** How often a line says how far it is, in mutants. */
const PROGRESS = 100;

/** @param {string} text */
const write = (text) => void process.stdout.write(`${text}\n`);
/** @param {string} text */
const say = (text) => void (options.json || write(text));

const chosen = files()
  .filter((file) => file.startsWith(options.file))
  .map((file) => ({ file, ...mutantsIn(file, textOfFile(file)) }));
const mutants = chosen.flatMap((one) => one.mutants);
if (mutants.length === 0) throw new Error(`No Lua file with anything to change begins with ${options.file}`);

/** What is said of a mutant in JSON: all but its whole file. @param {import("./lua-mutants/mutants.mjs").Mutant} mutant */
const shown = (mutant) => ({ ...mutant, source: undefined });

async function run() {
  const start = performance.now();
  const listed = equivalents();
  const ids = new Set(mutants.map(({ id }) => id));
  const stale = [...listed.keys()].filter((id) => id.startsWith(options.file) && !ids.has(id));
  say(`${await baseline(mutants, workers)} tests pass without any mutant; ${mutants.length} mutants`);

  /** @type {import("./lua-mutants/hunt.mjs").Verdict[]} */
  const verdicts = [];
  await hunt(mutants, {
    listed,
    workers,
    directed: options.directed,
    onVerdict: (verdict) => {
      verdicts.push(verdict);
      if (!isFine(verdict)) say(storyOf(verdict));
      if (verdicts.length % PROGRESS === 0) say(`${verdicts.length} of ${mutants.length}`);
    },
  });
  verdicts.sort((one, other) => mutants.indexOf(one.mutant) - mutants.indexOf(other.mutant));
  for (const id of stale) say(`equivalents.json lists what is no mutant: ${id}`);

  mkdirSync(absolute(".cache/lua-mutants"), { recursive: true });
  const report = absolute(".cache/lua-mutants/report.txt");
  writeFileSync(report, `${verdicts.map(storyOf).join("\n\n")}\n`);
  if (options.json)
    write(
      JSON.stringify(
        verdicts.map(({ mutant, ...rest }) => ({ ...shown(mutant), ...rest })),
        null,
        2,
      ),
    );
  say(`\n${tableOf(chosen, verdicts)}\n\n${countsOf(chosen)}\n`);
  say(`${((performance.now() - start) / 1000).toFixed(0)} s; which test killed which mutant: ${report}`);
  const passed = verdicts.filter(isFine).length;
  const failed = verdicts.length - passed + stale.length;
  say(`\n${passed} passed, ${failed} failed, 0 skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

if (options.counts) write(countsOf(chosen));
else if (options.list)
  write(options.json ? JSON.stringify(mutants.map(shown), null, 2) : mutants.map(({ id }) => id).join("\n"));
else await run();
