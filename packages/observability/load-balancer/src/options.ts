import * as v from "valibot";

/** What every strategy here takes. */
export interface RandomOptions {
  /**
   * The source of chance: numbers from 0 up to, not including, 1. Default Math.random. A seeded one repeats a run. One number
   * may serve two draws: with fewer than about 48 random bits in it (a 32-bit generator) the second is uneven from tens of
   * thousands of pods on.
   */
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
