// Hands the mutants out to workers, which ask for one after another, and collects what they say.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { absolute } from "../workspace.mjs";

/** @typedef {import("./killing-runner.mjs").Job} Job */
/** @typedef {import("./killing-runner.mjs").Outcome} Outcome */

/**
 * @param {readonly Job[]} jobs @param {{ workers: number, onOutcome: (outcome: Outcome) => void }} options
 * @returns {Promise<void>} when all are done and the workers have ended
 * @throws Error when a worker fails, which is no failure of a test
 */
export async function carryOut(jobs, { workers, onOutcome }) {
  const waiting = [...jobs];
  const asked = new Set(jobs.map(({ id }) => id));
  /** @type {string[]} */
  const broken = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      /** @type {Partial<Outcome> & { broken?: string }} */
      const outcome = JSON.parse(body);
      if (outcome.broken !== undefined) broken.push(outcome.broken);
      if (outcome.id !== undefined && asked.delete(outcome.id)) onOutcome(/** @type {Outcome} */ (outcome));
      const job = waiting.shift();
      if (job === undefined) response.writeHead(204).end();
      else response.end(JSON.stringify(job));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  try {
    await Promise.all(Array.from({ length: workers }, () => work(`http://127.0.0.1:${port}`)));
  } finally {
    server.closeAllConnections();
    server.close();
  }
  if (asked.size > 0) throw new Error(`${asked.size} of ${jobs.length} jobs were left undone:\n${broken.join("\n")}`);
}

/** One worker, from start to end. @param {string} office @returns {Promise<void>} */
function work(office) {
  const args = ["run", "--config", absolute("scripts/lua-mutants/vitest.config.mjs"), "--root", absolute(".")];
  const child = spawn("vitest", args, {
    env: { ...process.env, LUA_MUTANTS_OFFICE: office },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else void said.then((texts) => reject(new Error(`a worker ended with code ${code}:\n${texts.join("")}`)));
    });
  });
}
