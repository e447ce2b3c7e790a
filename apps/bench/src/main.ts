import { Command, InvalidArgumentError } from "commander";
import type { Figure, Measured } from "./figure.ts";
import { measure } from "./figure.ts";
import { figures } from "./figures/index.ts";
import { machine, table } from "./report.ts";

interface Options {
  readonly json: boolean;
  readonly list: boolean;
  readonly pairs: number;
}

const atLeastOne = (text: string): number => {
  if (!/^[1-9][0-9]{0,3}$/.test(text)) throw new InvalidArgumentError("a whole number from 1 to 9999 is needed");
  return Number(text);
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function chosen(ids: readonly string[]): readonly Figure[] {
  // "link-create" names its variants, too.
  const isNamed = (id: string, figure: Figure): boolean => figure.id === id || figure.id.startsWith(`${id}-`);
  const unknown = ids.filter((id) => !figures.some((figure) => isNamed(id, figure)));
  if (unknown.length > 0) {
    program.error(`no figure ${unknown.join(", ")}; there are: ${figures.map(({ id }) => id).join(", ")}`);
  }
  return ids.length === 0 ? figures : figures.filter((figure) => ids.some((id) => isNamed(id, figure)));
}

async function run(ids: string[], options: Options): Promise<void> {
  const wanted = chosen(ids);
  if (options.list) {
    for (const figure of wanted)
      print(`${figure.id}: ${figure.title}, beside ${figure.baseline}; goal ${figure.goal} x`);
    return;
  }
  const measured: Measured[] = [];
  for (const figure of wanted) {
    if (!options.json) process.stderr.write(`measuring ${figure.id} ...\n`);
    measured.push(await measure(figure, options.pairs));
  }
  const where = machine();
  if (options.json) print(JSON.stringify({ machine: where, figures: measured }, undefined, 2));
  else
    print(
      `\n${table(measured)}\n\n${where.cores} x ${where.cpu}, Node ${where.node}; medians of ${options.pairs} pairs`,
    );
}

const program = new Command("bench")
  .description("Measures podlink beside what a good engineer would write by hand, both in turn in the same run.")
  .argument("[figures...]", "which figures; all when none is named")
  .option("--json", "for machines", false)
  .option("--list", "says which figures there are", false)
  .option("--pairs <n>", "how often both sides are measured", atLeastOne, 7)
  .action(run);

await program.parseAsync();
