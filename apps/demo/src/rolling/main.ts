/** `npm run rolling`: the same rolling restart under the same load, with podlink and with a hash and a sleep. */
import { Command, InvalidArgumentError } from "commander";
import { rollBoth } from "./both.ts";
import { describeRolled } from "./describe.ts";

const whole = (text: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("a whole number from 1 to 999999 is needed");
  return Number(text);
};

const program = new Command("rolling")
  .description("Restarts every pod under load, with podlink and beside it with hash routing and a preStop sleep.")
  .option("--pods <n>", "how many pods", whole, 5)
  .option("--users <n>", "how many users, each with a WebSocket", whole, 200)
  .option("--rate <n>", "requests a second", whole, 100)
  .option("--pre-stop-ms <n>", "how long the hook of the other side sleeps", whole, 15_000)
  .action(async ({ pods, users, rate, preStopMs }: Record<"pods" | "users" | "rate" | "preStopMs", number>) => {
    const say = (text: string): void => void process.stderr.write(`${text}\n`);
    const rolled = await rollBoth({ pods, gateways: 2, users, ratePerSecond: rate, preStopMs }, say);
    process.stdout.write(`${describeRolled(rolled)}\n`);
  });

await program.parseAsync();
