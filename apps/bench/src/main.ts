import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { figures } from "./figures/index.ts";
import { calibrate } from "./measure/calibration.ts";
import { Ends } from "./measure/ends.ts";
import type { Figure } from "./measure/figure.ts";
import { goalText, nameOf } from "./measure/figure.ts";
import type { Measured } from "./measure/measure.ts";
import { measure } from "./measure/measure.ts";
import { originals } from "./originals.ts";
import { circumstances, machine, markdown, table, versions } from "./report.ts";
import { runScale } from "./runs/scale.ts";
import { runSoak } from "./runs/soak.ts";
import { pinThisProcess } from "./support/cores.ts";
import { between, replaceBetween } from "./support/markers.ts";
import { redisVersion } from "./support/redis-version.ts";

interface Options {
  readonly json: boolean;
  readonly list: boolean;
  readonly pairs: number;
  readonly profile?: string;
  readonly write?: string;
}

/** Short runs prove nothing; goals were set by at least so many pairs. */
const LEAST_PAIRS = 5;

const wholeNumber = (from: number, to: number) => (text: string) => {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < from || value > to) {
    throw new InvalidArgumentError(`a whole number from ${from} to ${to} is needed`);
  }
  return value;
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const ends = new Ends();

/** A run that is broken off leaves nothing behind. */
function endOnSignals(): void {
  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(signal, () => {
      say(`\n${signal}: ending what runs`);
      setTimeout(() => process.exit(status), 3000).unref(); // servers end by themselves once this process is gone
      void ends.end().finally(() => process.exit(status));
    });
  }
}

function chosen(names: readonly string[]): readonly Figure[] {
  const isNamed = (name: string, figure: Figure): boolean => name === figure.id || name === nameOf(figure);
  const unknown = names.filter((name) => !figures.some((figure) => isNamed(name, figure)));
  if (unknown.length > 0) {
    program.error(`error: no figure ${unknown.join(", ")}; there are: ${figures.map(nameOf).join(", ")}`);
  }
  return names.length === 0 ? figures : figures.filter((figure) => names.some((name) => isNamed(name, figure)));
}

async function run(names: string[], options: Options): Promise<void> {
  const wanted = chosen(names);
  if (options.list) {
    for (const figure of wanted)
      print(`${nameOf(figure)}: ${figure.title}; beside ${figure.baseline}; ${goalText(figure)}`);
    return;
  }
  if (options.write !== undefined) between(readFileSync(options.write, "utf8"), options.write); // before ten minutes have passed
  endOnSignals();
  const loadBefore = loadavg()[0] ?? 0;
  const pin = pinThisProcess();
  say("measuring this machine");
  const speeds = await calibrate({ tiny: false, pin }, ends);
  const measured: Measured[] = [];
  for (const [index, figure] of wanted.entries()) {
    const start = performance.now();
    const { profile: folder } = options;
    const onProfile = (profile: object): void => {
      const path = join(folder!, `${nameOf(figure).replace("/", "-")}.cpuprofile`);
      writeFileSync(path, JSON.stringify(profile));
      say(`  ${path}`);
    };
    const profile = folder === undefined ? undefined : { onProfile };
    const one = await measure(figure, { pairs: options.pairs, pin, speeds, ends, ...profile });
    measured.push(one);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const outcome = `${one.ratio.toFixed(2)} x, ${one.met ? "met" : "NOT MET"}`;
    say(`${index + 1} of ${wanted.length}: ${nameOf(figure)}: ${outcome}, goal ${one.goal} (${seconds} s)`);
  }
  const where = machine(pin, loadBefore);
  const having = versions(await redisVersion());
  const targets = originals(measured);
  const around = circumstances(where, having, speeds, options.pairs);
  if (options.write !== undefined) {
    const lines = targets.map((line) => `- ${line}`).join("\n");
    const text = `${around}\n\n${markdown(measured)}\n\nThe original's own targets:\n\n${lines}`;
    writeFileSync(options.write, replaceBetween(readFileSync(options.write, "utf8"), text, options.write));
  }
  if (options.json)
    print(JSON.stringify({ machine: where, versions: having, speeds, figures: measured }, undefined, 2));
  else print(`\n${table(measured, process.stdout)}\n\n${around}\n\nThe original's own targets:\n${targets.join("\n")}`);
}

const program = new Command("bench")
  .description("Measures podlink beside what a good engineer would write by hand, both in turn in the same run.")
  .argument(
    "[figures...]",
    "which figures (link-create), or one variant of one (link-create/256); all when none is named",
  )
  .option("--json", "for machines", false)
  .option("--list", "says which figures there are", false)
  .option("--pairs <n>", "how often both sides are measured", wholeNumber(LEAST_PAIRS, 1000), 7)
  .option("--profile <folder>", "writes the processor's profile of our side of each figure into this folder")
  .option("--write <file>", "writes the table into this document, between its markers")
  .action(run);

program
  .command("scale")
  .description("Pods that report and callers that follow them: what that costs Redis and a caller.")
  .option("--pods <n>", "how many pods report", wholeNumber(1, 20_000), 10_000)
  .option("--callers <n>", "how many callers follow them", wholeNumber(1, 1000), 50)
  .option("--seconds <n>", "for how long, after all are there", wholeNumber(1, 3600), 30)
  .option("--json", "for machines", false)
  .action(async (options: { pods: number; callers: number; seconds: number; json: boolean }) => {
    endOnSignals();
    const result = await runScale({ ...options, say, ends });
    print(options.json ? JSON.stringify(result, undefined, 2) : result.lines.join("\n"));
  });

program
  .command("soak")
  .description("Constant load with churn; judges whether memory and handles stay flat.")
  .option("--minutes <n>", "for how long", wholeNumber(1, 1440), 20)
  .option("--json", "for machines", false)
  .action(async (options: { minutes: number; json: boolean }) => {
    endOnSignals();
    const result = await runSoak({ seconds: options.minutes * 60, say, ends });
    print(options.json ? JSON.stringify(result, undefined, 2) : result.lines.join("\n"));
    process.exitCode = result.flat ? 0 : 1;
  });

await program.parseAsync();
