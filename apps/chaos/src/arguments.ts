import { parseArgs } from "node:util";
import type { PlantedFault } from "./planted-faults.ts";
import { plantedFaults } from "./planted-faults.ts";

export interface RunArguments {
  readonly seed: number;
  readonly durationMs: number;
  readonly users: number;
  readonly ratePerSecond: number;
  /** How long gateways hold a request whose pod can't take it now, in milliseconds. */
  readonly holdMs: number;
  /** The fault that is planted, for a check to accuse. Absent: none. */
  readonly planted?: PlantedFault;
  /** Where the result goes as JSON. Absent: nowhere. */
  readonly json?: string;
  /** Where the logs of the processes are kept. Absent: nowhere. */
  readonly logs?: string;
  /** Only says what would happen. */
  readonly list: boolean;
}

export const USAGE: string = `npm run chaos -- [--minutes n | --seconds n] [--seed n] [--rate n] [--users n] [--hold ms] [--planted name] [--json file] [--logs folder] [--list]

  --minutes, --seconds  how long faults happen; 10 minutes unless said, at least 60 seconds
  --seed                which schedule, a whole number from 0; a random one unless said. The same one replays
  --rate                requests a second, 120 unless said
  --users               2000 unless said
  --hold                holdMs of the gateways, 2000 unless said; 0: none
  --planted             plants that fault into pods and gateways; the run passes if the check that must accuse it does:
                        ${[...plantedFaults.keys()].join(", ")}
  --json                the file that the result is written to
  --logs                the folder that the logs of all processes are kept in
  --list                prints the schedule and makes nothing happen`;

/** What is wrong with the arguments, for people. */
export class BadArguments extends Error {}

/** @param pickSeed makes one when none is given @throws BadArguments */
export function readArguments(args: readonly string[], pickSeed: () => number): RunArguments {
  const { minutes, seconds, seed, rate, users, hold, planted, json, logs, list } = parse(args);
  if (minutes !== undefined && seconds !== undefined)
    throw new BadArguments("--minutes and --seconds: one or the other");
  const forSeconds =
    seconds === undefined
      ? 60 * within("--minutes", minutes ?? "10", 1, 1440)
      : within("--seconds", seconds, 60, 86_400);
  return {
    seed: seed === undefined ? pickSeed() : within("--seed", seed, 0, 2 ** 32 - 1),
    durationMs: 1000 * forSeconds,
    ratePerSecond: within("--rate", rate ?? "120", 10, 2000),
    users: within("--users", users ?? "2000", 10, 20_000),
    holdMs: within("--hold", hold ?? "2000", 0, 60_000),
    list: list ?? false,
    ...(planted !== undefined && { planted: faultCalled(planted) }),
    ...(json !== undefined && { json: named("--json", json) }),
    ...(logs !== undefined && { logs: named("--logs", logs) }),
  };
}

const text = { type: "string" } as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: text,
        seconds: text,
        seed: text,
        rate: text,
        users: text,
        hold: text,
        planted: text,
        json: text,
        logs: text,
        list: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function faultCalled(name: string): PlantedFault {
  const fault = plantedFaults.get(name);
  if (fault !== undefined) return fault;
  throw new BadArguments(`--planted: there are ${[...plantedFaults.keys()].join(", ")}, not ${JSON.stringify(name)}`);
}

function within(name: string, value: string, least: number, most: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number <= most) return number;
  throw new BadArguments(`${name}: a whole number from ${least} to ${most} is needed, not ${JSON.stringify(value)}`);
}

function named(name: string, path: string): string {
  if (path === "") throw new BadArguments(`${name}: a path is needed`);
  return path;
}
