import type { Clock, LinkKey } from "@podlink/types";
import { describeValue, RouteError, systemClock } from "@podlink/types";
import type { FiguresSource } from "./in-flight.ts";
import { IN_FLIGHT_FIGURES } from "./in-flight.ts";

export interface WatchInvariantsOptions {
  /** What all times are told by. Default: the clock of this process. */
  readonly clock?: Clock;
  /** So many links, uids, and uids of pods each watcher remembers; those seen least recently are forgotten. Default 100,000. */
  readonly maxUids?: number;
  /** So many violations are kept; the others are heard and counted. Default 1000. */
  readonly maxViolations?: number;
  /** How much later than its deadline a promise may settle, in milliseconds of an event loop that runs. Default 50. */
  readonly slackMs?: number;
  /** The figures that return to zero. Default: `IN_FLIGHT_FIGURES`. */
  readonly figures?: readonly string[];
  /** Whose figures, by name. Default: none; `inFlight.add` adds some. */
  readonly sources?: Readonly<Record<string, FiguresSource>>;
  /** Whether two holders of a uid are excused now: a forced move, data that is gone. Default: never. */
  readonly excused?: (link: LinkKey, atMs: number) => boolean;
}

type WatchSettings = Required<WatchInvariantsOptions>;

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;
const isFunction = (value: unknown): boolean => typeof value === "function";
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

const RULES: Readonly<
  Record<keyof WatchSettings, { readonly rule: string; readonly fits: (value: unknown) => boolean }>
> = {
  clock: { rule: "a Clock", fits: isObject },
  maxUids: { rule: "a whole number, at least 1", fits: isCount },
  maxViolations: { rule: "a whole number, at least 1", fits: isCount },
  slackMs: {
    rule: "a number of milliseconds, at least 0",
    fits: (value) => typeof value === "number" && value >= 0 && value < Infinity,
  },
  figures: {
    rule: "a list of names",
    fits: (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
  },
  sources: {
    rule: "objects with read(), by name",
    fits: (value) => isObject(value) && Object.values(value as object).every((source) => isSource(source)),
  },
  excused: { rule: "a function", fits: isFunction },
};

/** The options with their defaults. @throws RouteError CONFIG naming the option, its rule and its value. */
export function watchSettings(options: WatchInvariantsOptions): WatchSettings {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(RULES, name)) throw new RouteError("CONFIG", `watchInvariants.${name}: no such option`);
    const { rule, fits } = RULES[name as keyof WatchSettings];
    if (!fits(value)) {
      throw new RouteError("CONFIG", `watchInvariants.${name} must be ${rule} (got ${describeValue(value)})`);
    }
  }
  return {
    clock: systemClock,
    maxUids: 100_000,
    maxViolations: 1000,
    slackMs: 50,
    figures: IN_FLIGHT_FIGURES,
    sources: {},
    excused: () => false,
    ...options,
  };
}

function isSource(value: unknown): boolean {
  return isObject(value) && isFunction((value as { read?: unknown }).read);
}
