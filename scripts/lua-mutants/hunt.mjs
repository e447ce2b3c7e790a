// Has the tests run against each mutant, and says what became of it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { names, shaOf, sourceOf } from "../generate-lua.mjs";
import { absolute } from "../workspace.mjs";
import { textOfFile } from "./mutants.mjs";
import { carryOut } from "./office.mjs";
import { suitesOf } from "./suites.mjs";

/** @typedef {import("./mutants.mjs").Mutant} Mutant */
/** @typedef {import("./killing-runner.mjs").Failure} Failure */
/** @typedef {import("./killing-runner.mjs").Job} Job */
/** @typedef {import("./killing-runner.mjs").Outcome} Outcome */

/**
 * - `killed`: a test failed
 * - `equivalent`: it is listed with an argument, and no directed test failed
 * - `survived`: no test failed, and it is not listed
 * - `refuted`: it is listed, and a test failed all the same
 * - `invalid`: Redis doesn't take the script
 * @typedef {"killed" | "equivalent" | "survived" | "refuted" | "invalid"} Fate
 * @typedef {{ mutant: Mutant, fate: Fate, by?: Failure, why?: string, ms: number }} Verdict
 */

/** Whether it is as it should be. @param {Verdict} verdict */
export const isFine = ({ fate }) => fate === "killed" || fate === "equivalent";

/** Which test file killed a mutant the last time: it is asked first. */
const memory = absolute(".cache/lua-mutants/killers.json");

/** @returns {Record<string, string>} */
function remembered() {
  try {
    return JSON.parse(readFileSync(memory, "utf8"));
  } catch {
    return {};
  }
}

/** The scripts as they are. */
const right = () => new Map(names().map((name) => [name, sourceOf(name)]));

/** The scripts that a mutant changes, as Redis gets them. @param {Mutant} mutant @param {Map<string, string>} before */
function scriptsOf({ id, file, source }, before) {
  const read = (/** @type {string} */ path) => (path === file ? source : textOfFile(path));
  const changed = [...before.keys()]
    .map((name) => ({ name, source: sourceOf(name, read) }))
    .filter((script) => script.source !== before.get(script.name));
  if (changed.length === 0) throw new Error(`${id}: no script is different`);
  return changed.map((script) => ({ ...script, sha: shaOf(script.source) }));
}

/**
 * Runs the tests without any mutant.
 * @param {readonly Mutant[]} mutants @param {number} workers @returns {Promise<number>} how many passed
 * @throws Error when one fails: then none proves anything
 */
export async function baseline(mutants, workers) {
  const specs = [...new Set(mutants.flatMap(({ file }) => Object.values(suitesOf(file)).flat()))];
  /** @type {Outcome[]} */
  const outcomes = [];
  const jobs = specs.map((spec, id) => ({ id, specs: [absolute(spec)], scripts: [], stopsAtFailure: false }));
  await carryOut(jobs, { workers, onOutcome: (outcome) => void outcomes.push(outcome) });
  const failures = outcomes.flatMap((outcome) => outcome.failures);
  const told = failures.map(({ spec, test, message }) => `${spec}: ${test}: ${message}`);
  if (told.length > 0) throw new Error(`tests fail without any mutant:\n${told.join("\n")}`);
  return outcomes.reduce((sum, { tests }) => sum + tests, 0);
}

/**
 * Whether a busy machine alone may have done it: then the mutant is tried once more.
 * @param {Verdict} verdict
 */
const isDoubtful = ({ fate, by }) =>
  fate === "refuted" || (by !== undefined && /timed out|TIMEOUT|within \d+ ms/.test(by.message));

/**
 * @param {readonly Mutant[]} mutants
 * @param {{ listed: ReadonlyMap<string, string>, workers: number, directed: boolean, onVerdict: (verdict: Verdict) => void }} options
 *   listed: the equivalent ones, and why; directed: without the tests of random histories
 * @returns {Promise<void>}
 */
export async function hunt(mutants, { listed, workers, directed, onVerdict }) {
  const killers = remembered();
  const scripts = right();
  const jobs = mutants.map((mutant, id) => {
    const suites = suitesOf(mutant.file);
    // Random histories take long where nothing is found: what is listed is spared them.
    const all = directed || listed.has(mutant.id) ? suites.directed : [...suites.directed, ...suites.random];
    const killer = all.filter((spec) => spec === killers[mutant.id]);
    const specs = [...new Set([...killer, ...all])].map(absolute);
    return { id, specs, scripts: scriptsOf(mutant, scripts), stopsAtFailure: true };
  });
  /** @param {readonly Job[]} round @param {(verdict: Verdict, job: Job) => void} judge */
  const go = (round, judge) =>
    carryOut(round, {
      workers,
      onOutcome: (outcome) => {
        const mutant = /** @type {Mutant} */ (mutants[outcome.id]);
        judge(verdictOf(mutant, outcome, listed.get(mutant.id)), /** @type {Job} */ (jobs[outcome.id]));
      },
    });
  const settle = (/** @type {Verdict} */ verdict) => {
    if (verdict.by) killers[verdict.mutant.id] = verdict.by.spec;
    onVerdict(verdict);
  };
  /** @type {Job[]} */
  const again = [];
  await go(jobs, (verdict, job) => void (isDoubtful(verdict) ? again.push(job) : settle(verdict)));
  if (again.length > 0) await go(again, settle);
  mkdirSync(absolute(".cache/lua-mutants"), { recursive: true });
  writeFileSync(memory, JSON.stringify(killers));
}

/** @param {Mutant} mutant @param {Outcome} outcome @param {string | undefined} why @returns {Verdict} */
function verdictOf(mutant, { failures: [by], invalid, ms }, why) {
  if (invalid !== undefined) return { mutant, fate: "invalid", why: invalid, ms };
  const found = { mutant, ms, ...(by ? { by } : {}), ...(why === undefined ? {} : { why }) };
  if (by) return { ...found, fate: why === undefined ? "killed" : "refuted" };
  return { ...found, fate: why === undefined ? "survived" : "equivalent" };
}
