import { refuse } from "@podlink/types";
import type { ReadyCheck } from "./ready-check.ts";
import { checkReadyCheck } from "./ready-check.ts";

/** A Node program. */
export interface NodeScript {
  /** Its path, or `new URL("./app.ts", import.meta.url)`. */
  readonly script: string | URL;
  /** What it finds in `process.argv`. Default: nothing. */
  readonly args?: readonly string[];
  /** Node's own options, `["--import", "tsx"]`. Default: none. */
  readonly execArgv?: readonly string[];
}

/** Which variables a program has, beside those of this process. Undefined takes one away. */
export type AppEnvironment = Readonly<Record<string, string | undefined>>;

/** What a program is, and when it is ready. Either `command` or `node`. */
export interface AppOptions {
  /** Its name in the record and of its log: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** A program, by path or found in PATH, and its arguments. */
  readonly command?: readonly string[];
  /** A script run by the Node that runs this process. */
  readonly node?: NodeScript;
  readonly env?: AppEnvironment;
  /** Default: that of this process. */
  readonly cwd?: string;
  /** Default: it is ready as soon as it runs. */
  readonly ready?: ReadyCheck;
  /** How long it may take to be ready, in milliseconds; then it is killed. Default 20000. */
  readonly readyWithinMs?: number;
  /** How long it may take to end after SIGTERM, in milliseconds; then it is killed. Default 10000; 0: at once. */
  readonly stopWithinMs?: number;
}

const NAMES = "command, cwd, env, name, node, ready, readyWithinMs, stopWithinMs".split(", ");
const NODE_NAMES = ["args", "execArgv", "script"];
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** @throws RouteError INVALID_ARGUMENT naming the option, its rule and its value */
export function checkAppOptions(options: AppOptions): void {
  refuseUnknown("app", options, NAMES);
  const { name, command, node, env = {}, ready, readyWithinMs = 1, stopWithinMs = 0 } = options;
  if (typeof name !== "string" || !NAME.test(name)) refuse("app.name", "1 to 64 of A-Z a-z 0-9 . _ -", name);
  if ((command === undefined) === (node === undefined)) refuse("app", "given one of command and node", options);
  if (command !== undefined && (command.length === 0 || command.some((word) => typeof word !== "string"))) {
    refuse("app.command", "a program and its arguments, all texts", command);
  }
  if (node !== undefined) refuseUnknown("app.node", node, NODE_NAMES);
  for (const [variable, value] of Object.entries(env)) {
    if (value !== undefined && typeof value !== "string") refuse(`app.env.${variable}`, "a text, or undefined", value);
  }
  if (ready !== undefined) checkReadyCheck(ready);
  checkWait("app.readyWithinMs", readyWithinMs, 1);
  checkWait("app.stopWithinMs", stopWithinMs, 0);
}

/** The longest that Node's timers take. */
const LONGEST_MS = 2_147_483_647;

/** @throws RouteError INVALID_ARGUMENT */
export function checkWait(field: string, ms: number, leastMs: number): void {
  if (!(ms >= leastMs && ms <= LONGEST_MS)) {
    refuse(field, `a number of milliseconds from ${leastMs} to ${LONGEST_MS}`, ms);
  }
}

/** @throws RouteError INVALID_ARGUMENT */
export function refuseUnknown(field: string, options: object, names: readonly string[]): void {
  const unknown = Object.keys(options).find((key) => !names.includes(key));
  if (unknown !== undefined) refuse(field, `an object of ${names.join(", ")}`, unknown);
}
