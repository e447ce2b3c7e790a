import { mkdirSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { figures } from "./figures/index.ts";
import { Ends } from "./measure/ends.ts";
import type { Figure } from "./measure/figure.ts";
import { goalText, nameOf } from "./measure/figure.ts";
import { asJson, asMarkdown, asText } from "./report.ts";
import { runFigures } from "./runs/figures.ts";
import type { Leak } from "./runs/leaks.ts";
import { leaks } from "./runs/leaks.ts";
import type { ScaleOptions } from "./runs/scale.ts";
import { runScale } from "./runs/scale.ts";
import { runSoak } from "./runs/soak.ts";
import type { DocumentPlace } from "./support/document.ts";
import { openDocument } from "./support/document.ts";
import { untilBrokenOff } from "./support/interruption.ts";
import type { Place } from "./support/markers.ts";
import { Progress } from "./support/progress.ts";

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

const progress = new Progress();
const { say } = progress;
const ends = new Ends();
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const printResult = (result: { readonly lines: readonly string[] }, isJson: boolean): void =>
  print(isJson ? JSON.stringify({ ...result, lines: undefined }, undefined, 2) : result.lines.join("\n"));

function chosen(names: readonly string[]): readonly Figure[] {
  const isNamed = (name: string, figure: Figure): boolean => name === figure.id || name === nameOf(figure);
  const unknown = names.filter((name) => !figures.some((figure) => isNamed(name, figure)));
  if (unknown.length > 0) {
    program.error(`error: no figure ${unknown.join(", ")}; there are: ${figures.map(nameOf).join(", ")}`);
  }
  return names.length === 0 ? figures : figures.filter((figure) => names.some((name) => isNamed(name, figure)));
}

/** What would fail at the end is refused before ten minutes have passed. */
function early<T>(prepare: () => T): T {
  try {
    return prepare();
  } catch (error) {
    return program.error(`error: ${(error as Error).message}`);
  }
}

const documentOf = (file: string | undefined, place: Place): DocumentPlace | undefined =>
  file === undefined ? undefined : early(() => openDocument(file, place));

async function run(names: string[], { list, json, pairs, profile, write }: Options): Promise<void> {
  const wanted = chosen(names);
  if (list) {
    for (const figure of wanted)
      print(`${nameOf(figure)}: ${figure.title}; beside ${figure.baseline}; ${goalText(figure)}`);
    return;
  }
  if (write !== undefined && names.length > 0) {
    program.error("error: --write is for all figures: the document has no place for some of them");
  }
  const document = documentOf(write, "figures");
  if (profile !== undefined) early(() => mkdirSync(profile, { recursive: true }));
  await untilBrokenOff({ ends, say }, async (signal) => {
    const result = await runFigures({ figures: wanted, pairs, profile, progress, ends, signal });
    print(json ? asJson(result) : asText(result, process.stdout));
    if (result.failed.length === 0) return document?.write(asMarkdown(result));
    say(`not measured: ${result.failed.join(", ")}${document === undefined ? "" : `; ${document.file} is as it was`}`);
    process.exitCode = 1;
  });
}

const program = new Command("bench")
  .description("Measures podlink beside what a good engineer would write by hand, both in turn in the same run.")
  .argument(
    "[figures...]",
    "which figures (link-create), or one variant of one (link-create/256); all when none is named",
  )
  .option("--json", "for machines", false)
  .addOption(
    new Option("--list", "says which figures there are")
      .default(false)
      .conflicts(["json", "pairs", "profile", "write"]),
  )
  .option("--pairs <n>", "how often both sides are measured", wholeNumber(LEAST_PAIRS, 1000), 7)
  .option("--profile <folder>", "writes the processor's profile of our side of each figure into this folder")
  .option("--write <file>", "writes the table into this document, between its markers")
  .enablePositionalOptions() // or --json after "soak" would be the program's, and be ignored
  .hook("preSubcommand", (_, subcommand) => {
    const given = program.options.filter((option) => program.getOptionValueSource(option.attributeName()) === "cli");
    if (given.length === 0) return;
    const names = given.map(({ long }) => long).join(", ");
    program.error(`error: ${names}: options of ${subcommand.name()} come after its name`);
  })
  .action(run);

program
  .command("scale")
  .description("Pods that report and callers that follow them: what that costs Redis and a caller.")
  .option("--pods <n>", "how many pods report", wholeNumber(1, 20_000), 10_000)
  .option("--whole-pods <n>", "how many pods there are besides as users have them", wholeNumber(0, 2000), 0)
  .option("--callers <n>", "how many callers follow them", wholeNumber(1, 1000), 50)
  .option("--seconds <n>", "for how long, after all are there", wholeNumber(1, 3600), 30)
  .option("--json", "for machines", false)
  .action(
    ({ json, ...options }: Pick<ScaleOptions, "pods" | "wholePods" | "callers" | "seconds"> & { json: boolean }) =>
      untilBrokenOff({ ends, say }, async () => printResult(await runScale({ ...options, say, ends }), json)),
  );

program
  .command("soak")
  .description("Constant load with churn; judges whether memory and handles stay flat.")
  .option("--minutes <n>", "for how long", wholeNumber(1, 1440), 20)
  .addOption(
    new Option("--planted <leak>", "leaks that on purpose; the run passes if it is accused").choices([...leaks.keys()]),
  )
  .option("--json", "for machines", false)
  .option("--write <file>", "writes the result into this document, between its markers")
  .action(({ minutes, planted, json, write }: { minutes: number; planted?: Leak; json: boolean; write?: string }) => {
    const document = documentOf(write, "soak");
    return untilBrokenOff({ ends, say }, async () => {
      const result = await runSoak({ seconds: minutes * 60, planted, say, ends });
      printResult(result, json);
      document?.write(result.lines.map((line) => `- ${line}`).join("\n"));
      process.exitCode = result.passed ? 0 : 1;
    });
  });

await program.parseAsync();
