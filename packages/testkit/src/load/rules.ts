import * as v from "valibot";

/** Rules that the options of loads and of sockets have in common. */

const MAX_USERS = 1_000_000;
const MAX_TIMER_MS = 2_147_483_647;

export const whole = (min: number, max: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

/** A wait: at least a millisecond, at most what a timer takes. */
export const durationMs: v.GenericSchema<number> = v.pipe(v.number(), v.minValue(1), v.maxValue(MAX_TIMER_MS));

export const callback = <T>(): v.GenericSchema<T> =>
  v.custom<T>((value) => typeof value === "function", "must be a function");

export const signal: v.GenericSchema<AbortSignal | undefined> = v.optional(
  v.instance(AbortSignal, "must be an AbortSignal"),
);

export const seed: v.GenericSchema<number | undefined, number> = v.optional(whole(0, 4_294_967_295), () =>
  Math.floor(Math.random() * 4_294_967_296),
);

/** One URL or several, as a list. */
export const urls: v.GenericSchema<string | string[], string[]> = v.pipe(
  v.union([v.string(), v.pipe(v.array(v.string()), v.minLength(1))], "must be a URL, or a list of at least one"),
  v.transform((input) => (typeof input === "string" ? [input] : input.slice())),
  v.array(v.pipe(v.string(), v.check(isBase, "must be http://host:port or https://, without query"))),
);

/** Uids, or how many to make up, as a list. */
export const users: v.GenericSchema<number | string[], string[]> = v.pipe(
  v.union(
    [whole(1, MAX_USERS), v.pipe(v.array(v.string()), v.minLength(1))],
    "must be a count from 1, or a list of uids",
  ),
  v.transform((input) => (typeof input === "number" ? uidsOf(input) : input.slice())),
  v.maxLength(MAX_USERS),
);

/** `user-0`, `user-1`, ... */
function uidsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `user-${index}`);
}

function isBase(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && search === "" && hash === "";
}
