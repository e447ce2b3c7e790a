// Runs in a worker of vitest: asks for one mutant after another, has the tests run against it, and tells which one failed.
// Everything stays loaded between mutants but the test files themselves: so a mutant costs a fraction of a second.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { scripts } from "@podlink/lua";
import { startRedis } from "@podlink/testkit/redis";
import { startTests } from "@vitest/runner";
import { TestRunner } from "vitest";

/** @typedef {import("@podlink/testkit/redis").RedisServer} RedisServer */
/** @typedef {{ name: string, source: string, sha: string }} ScriptText */

/**
 * @typedef {{ id: number, specs: string[], scripts: ScriptText[], stopsAtFailure: boolean }} Job
 *   specs: absolute paths; scripts: those that the mutant changes
 * @typedef {{ test: string, spec: string, message: string }} Failure
 * @typedef {{ id: number, failures: Failure[], tests: number, invalid?: string, ms: number }} Outcome
 *   invalid: why Redis doesn't take the script
 */

/** Where jobs come from: an address of this machine. */
const office = process.env["LUA_MUTANTS_OFFICE"] ?? "";

/** @param {object} said */
const post = (said) => fetch(office, { method: "POST", body: JSON.stringify(said) });

/** @param {Outcome} [outcome] of the job before @returns {Promise<Job | undefined>} */
async function nextJob(outcome) {
  const response = await post(outcome ?? {});
  return response.status === 204 ? undefined : /** @type {Promise<Job>} */ (response.json());
}

/** One round of tests, of which vitest itself hears nothing. */
class QuietRunner extends TestRunner {
  /** @type {Failure[]} */
  failures = [];
  tests = 0;
  #stopsAtFailure;

  /** @param {TestRunner} outer @param {boolean} stopsAtFailure */
  constructor(outer, stopsAtFailure) {
    super(outer.config);
    this.#stopsAtFailure = stopsAtFailure;
    Object.defineProperty(this, "moduleRunner", { value: outer["moduleRunner"] });
  }

  /** The test file anew, all that it imports as it is. @param {string} path @override */
  importFile(path) {
    const modules = this["workerState"].evaluatedModules;
    const module = modules.getModuleById(path);
    if (module) modules.invalidateModule(module);
    return this["moduleRunner"].import(path);
  }

  /** @param {string} _ @param {any} attributes @param {() => any} [fn] @override */
  trace = (_, attributes, fn = attributes) => fn();

  /** @param {import("vitest").RunnerTestCase} test @override */
  onAfterRunTask(test) {
    super.onAfterRunTask(test);
    if (test.result?.state !== "run") this.tests += 1;
    if (test.result?.state === "fail") this.#note(test);
  }

  /** @param {import("vitest").RunnerTestSuite} suite @override */
  async onAfterRunSuite(suite) {
    if (suite.result?.errors?.length) this.#note(suite); // its hooks
  }

  /** @param {import("vitest").RunnerTask} task */
  #note(task) {
    this.failures.push({
      test: task.fullTestName ?? task.name,
      spec: task.file.name,
      message: String(task.result?.errors?.[0]?.message),
    });
    if (this.#stopsAtFailure) this.cancel("test-failure");
  }
}

export default class KillingRunner extends TestRunner {
  /** The worker's own tests have run. @param {import("vitest").RunnerTestSuite} suite @override */
  async onAfterRunSuite(suite) {
    await super.onAfterRunSuite(suite);
    const compiler = await startRedis();
    try {
      /** @type {Outcome | undefined} */
      let outcome;
      for (let job = await nextJob(); job; job = await nextJob(outcome)) outcome = await this.#outcomeOf(job, compiler);
    } catch (error) {
      await post({ broken: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    } finally {
      await compiler.end();
    }
  }

  /** @param {Job} job @param {RedisServer} compiler @returns {Promise<Outcome>} */
  async #outcomeOf(job, compiler) {
    const start = performance.now();
    const invalid = await refusedBy(compiler, job.scripts);
    if (invalid !== undefined) return { id: job.id, failures: [], tests: 0, ms: 0, invalid };
    const { failures, tests } = await this.#carryOut(job);
    return { id: job.id, failures, tests, ms: performance.now() - start };
  }

  /** @param {Job} job */
  async #carryOut({ specs, scripts: changed, stopsAtFailure }) {
    const restore = install(changed);
    const children = watchChildren();
    const runner = new QuietRunner(this, stopsAtFailure);
    try {
      for (const spec of specs) {
        const [file] = await startTests([spec], runner);
        if (file?.result?.errors?.length && runner.failures.length === 0)
          runner.failures.push({ test: "(the file)", spec, message: String(file.result.errors[0]?.message) });
        if (stopsAtFailure && runner.failures.length > 0) break;
      }
    } finally {
      restore();
      children.end();
    }
    return runner;
  }
}

/**
 * A test that hangs leaves its Redis behind, busy for ever with a script that doesn't end. The harness' processes end when
 * their stdin does.
 */
function watchChildren() {
  /** @type {import("node:child_process").ChildProcess[]} */
  const children = [];
  const note = (/** @type {unknown} */ message) => void children.push(/** @type {any} */ (message).process);
  subscribe("child_process", note);
  return {
    end() {
      unsubscribe("child_process", note);
      for (const { stdin } of children) stdin?.end();
    },
  };
}

/** @param {ScriptText[]} changed @returns {() => void} puts the right ones back */
function install(changed) {
  const all = /** @type {Record<string, ScriptText>} */ (/** @type {unknown} */ (scripts));
  const before = changed.map((script) => {
    const right = all[script.name];
    if (!right) throw new Error(`there is no script ${script.name}`);
    return { right, text: { ...right } };
  });
  for (const script of changed) Object.assign(all[script.name] ?? {}, script);
  return () => before.forEach(({ right, text }) => Object.assign(right, text));
}

/** @param {RedisServer} redis @param {ScriptText[]} changed */
async function refusedBy(redis, changed) {
  try {
    for (const { source } of changed) await redis.cli("SCRIPT", "LOAD", source);
    await redis.cli("SCRIPT", "FLUSH");
    return undefined;
  } catch (error) {
    return String(error);
  }
}
