import { writeFileSync } from "node:fs";
import { keepAliveUntil } from "@podlink/types";
import { BadArguments, readArguments, USAGE } from "./arguments.ts";
import type { Finding } from "./judge.ts";
import { judge } from "./judge.ts";
import type { PlantedFault } from "./planted-faults.ts";
import { announce, asJson, describeBreaches, describeRun } from "./report.ts";
import { run } from "./run.ts";
import { makeSchedule } from "./schedule.ts";

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const { seed, durationMs, list, json, logs, ...load } = readArguments(process.argv.slice(2), () =>
    Math.floor(Math.random() * 2 ** 32),
  );
  const schedule = makeSchedule({ seed, durationMs });
  say(announce(schedule, load));
  if (list) return 0;
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => interrupted.abort(`ended by ${name}`));
  }
  const { signal } = interrupted;
  const seen = await run({ schedule, ...load, logDirectory: logs, say, signal }).catch((error: unknown) => {
    if (signal.aborted) return undefined; // whatever it failed of
    throw error;
  });
  if (seen === undefined) {
    say(`${String(signal.reason)}: nothing is left of the run`);
    return 130;
  }
  const findings = judge(seen);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(asJson(seen, findings, schedule), undefined, 2)}\n`);
  say(describeRun(seen, findings));
  if (load.planted !== undefined) return accused(load.planted, findings);
  const breached = findings.filter(({ wrong }) => wrong.length > 0);
  if (breached.length > 0) say(describeBreaches(seen, findings, schedule));
  say(`\n${findings.length - breached.length} passed, ${breached.length} failed, 0 skipped`);
  return breached.length > 0 ? 1 : 0;
}

/** Of a run with a planted fault: whether the check that is there for it noticed. */
function accused({ fault, accusedBy }: PlantedFault, findings: readonly Finding[]): number {
  const isAccused = findings.some(({ name, wrong }) => name.startsWith(accusedBy) && wrong.length > 0);
  for (const { name, wrong } of findings) {
    if (wrong.length > 0) say(`\n${name}: ${wrong.length} breaches, the first: ${wrong[0]}`);
  }
  say(`\nplanted: ${fault}: ${isAccused ? "accused" : "NOT accused"} by "${accusedBy} ..."`);
  say(`\n${isAccused ? 1 : 0} passed, ${isAccused ? 0 : 1} failed, 0 skipped`);
  return isAccused ? 0 : 1;
}

process.exitCode = await keepAliveUntil(main()).catch((error: unknown) => {
  if (error instanceof BadArguments) {
    process.stderr.write(`${error.message}\n\n${USAGE}\n`);
    return 2;
  }
  process.stderr.write(`the run could not be made: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
});
