import { describeValue, RouteError } from "@podlink/types";
import type { Fault, FaultKind } from "./fault.ts";

/** What an option must be. */
export interface OptionRule {
  readonly rule: string;
  readonly holds: (value: unknown) => boolean;
  readonly isRequired?: true;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

export const wholeNumber = (least: number): OptionRule => ({
  rule: `must be a whole number, at least ${least}`,
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= least,
});
const milliseconds: OptionRule = {
  rule: "must be a number of milliseconds, at least 0",
  holds: (value) => isNumber(value) && value >= 0,
};
const share: OptionRule = {
  rule: "must be a number from 0 to 1",
  holds: (value) => isNumber(value) && value >= 0 && value <= 1,
};
const callback: OptionRule = { rule: "must be a function", holds: (value) => typeof value === "function" };
export const text: OptionRule = {
  rule: "must be a text that isn't empty",
  holds: (value) => typeof value === "string" && value !== "",
};
const oneOf = (...values: readonly string[]): OptionRule => ({
  rule: `must be ${values.map((value) => JSON.stringify(value)).join(" or ")}`,
  holds: (value) => values.includes(value as string),
});
const required = (option: OptionRule): OptionRule => ({ ...option, isRequired: true });

const ofConnections = { fault: text, name: text, connections: callback, shareOfConnections: share };
const times = wholeNumber(1);
const ofOneDirection = { ...ofConnections, bytes: callback, share, times };
const direction = oneOf("toServer", "toClient");
const ofChunks = { ...ofOneDirection, direction };
const resetAfterMs: OptionRule = {
  rule: 'must be a number of milliseconds, at least 0, or "never"',
  holds: (value) => value === "never" || milliseconds.holds(value),
};

const OPTIONS: Readonly<Record<FaultKind, Readonly<Record<string, OptionRule>>>> = {
  pass: ofChunks,
  delay: { ...ofChunks, ms: required(milliseconds), jitterMs: milliseconds },
  throttle: { ...ofChunks, bytesPerSecond: required(wholeNumber(1)) },
  fragment: { ...ofChunks, pieceBytes: wholeNumber(1) },
  loseReply: { ...ofOneDirection, resetAfterMs },
  loseRequest: { ...ofOneDirection, resetAfterMs },
  reset: ofChunks,
  halfClose: ofChunks,
  cut: { ...ofConnections, direction, times, afterBytes: required(wholeNumber(0)), by: oneOf("rst", "fin") },
  blackhole: { ...ofChunks, afterEnd: oneOf("resume", "dead") },
  refuse: { ...ofConnections, times },
};

/** What `reset()` and `halfClose()` of a proxy take. */
export const NOW_OPTIONS: Readonly<Record<"connections" | "direction", OptionRule>> = {
  connections: callback,
  direction: required(direction),
};

/** @throws RouteError CONFIG naming what breaks which rule */
export function checkFault(fault: Fault): void {
  const options = Object.hasOwn(OPTIONS, fault.fault) ? OPTIONS[fault.fault] : undefined;
  if (options === undefined) throw broken("faultProxy.fault", oneOf(...Object.keys(OPTIONS)).rule, fault.fault);
  checkOptions(fault, options, `faultProxy.${fault.fault}`);
}

/** @throws RouteError CONFIG naming what breaks which rule; unknown options too */
export function checkOptions(given: object, options: Readonly<Record<string, OptionRule>>, path: string): void {
  for (const [name, value] of Object.entries(given)) {
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) throw broken(`${path}.${name}`, "is not an option", value);
    if (value !== undefined && !option.holds(value)) throw broken(`${path}.${name}`, option.rule, value);
  }
  for (const [name, { rule, isRequired }] of Object.entries(options))
    if (isRequired && (given as Record<string, unknown>)[name] === undefined) throw broken(`${path}.${name}`, rule);
}

const broken = (path: string, rule: string, value?: unknown): RouteError =>
  new RouteError("CONFIG", `${path}: ${rule} (got ${describeValue(value)})`);
