import { refuse } from "@podlink/types";
import type { FailpointName } from "./points.ts";
import { isSync } from "./points.ts";

/** What a point tells of the call that came by: names such as `uid`. */
export type FailpointContext = Readonly<Record<string, unknown>>;

/** - `exit`: the process is gone at once, by SIGKILL; - `throw`: the code fails there; - `pause`: it waits there. */
export type FailpointAction = "exit" | "throw" | "pause";

/** Which of the calls that come by are met. */
interface FailpointChoice {
  /** Calls that don't matter, by what the point tells of them. Default: all matter. */
  readonly where?: (context: FailpointContext) => boolean;
  /** How many calls pass before the first that is met. Default 0. */
  readonly after?: number;
  /** How many calls are met. Default: all that come. */
  readonly times?: number;
}

export interface ActingFailpoint extends FailpointChoice {
  readonly action: FailpointAction;
  readonly run?: never;
  /** How long a pause is, in milliseconds of real time. Default: until it is released. */
  readonly ms?: number;
  /** Makes what is thrown. Default: an Error that names the point. */
  readonly error?: () => Error;
}

export interface RunningFailpoint extends FailpointChoice {
  /** Runs there; the code waits for its promise and gets what it throws. */
  readonly run: (context: FailpointContext) => void | Promise<void>;
  readonly action?: never;
}

export type FailpointOptions = ActingFailpoint | RunningFailpoint;

const KNOWN: ReadonlySet<string> = new Set(["action", "run", "where", "after", "times", "ms", "error"]);

/** @throws RouteError INVALID_ARGUMENT naming the option and its rule */
export function checkOptions(name: FailpointName, options: FailpointOptions): void {
  const given: Readonly<Record<string, unknown>> = { ...options };
  for (const option of Object.keys(given)) {
    if (!KNOWN.has(option)) refuse(`an option of ${name}`, `one of ${[...KNOWN].join(", ")}`, option);
  }
  const { action, run, where, after, times, ms, error } = given;
  if ((action === undefined) === (run === undefined)) refuse(`${name}`, "given either action or run", options);
  if (action !== undefined && action !== "exit" && action !== "throw" && action !== "pause") {
    refuse(`${name}.action`, "exit, throw or pause", action);
  }
  for (const [option, value] of Object.entries({ run, where, error })) {
    if (value !== undefined && typeof value !== "function") refuse(`${name}.${option}`, "a function", value);
  }
  checkCount(`${name}.after`, after, 0);
  checkCount(`${name}.times`, times, 1);
  checkCount(`${name}.ms`, ms, 0);
  if (ms !== undefined && action !== "pause") refuse(`${name}.ms`, "absent unless the action is pause", ms);
  if (error !== undefined && action !== "throw") refuse(`${name}.error`, "absent unless the action is throw", error);
  if (action === "pause" && ms === undefined && isSync(name)) {
    refuse(`${name}.ms`, "given for a pause there: its code can't wait, the whole process stands still", ms);
  }
}

function checkCount(option: string, value: unknown, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least)) return;
  refuse(option, `a whole number, at least ${least}`, value);
}
