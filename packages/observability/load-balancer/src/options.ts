import * as v from "valibot";

/** What every strategy here takes. */
export interface RandomOptions {
  /** The source of chance: numbers from 0 up to, not including, 1. Default Math.random. A seeded one repeats a run. */
  readonly random?: (() => number) | undefined;
}

const random: v.GenericSchema<() => number> = v.custom<() => number>(
  (value) => typeof value === "function",
  "must be a function that returns a number from 0 up to, not including, 1",
);

/** Checks {@link RandomOptions} and fills in the default. */
export const randomOptions: v.GenericSchema<RandomOptions, { random: () => number }> = v.strictObject({
  random: v.optional(random, () => Math.random),
});
