import type { OptionsSchema } from "@podlink/types";
import { DEFAULTS } from "@podlink/types";
import * as v from "valibot";

/** How the store behaves; everything has a default. */
export interface MemoryExecutorSettings {
  /**
   * How long a persistent link is kept after it was written or renewed, in milliseconds. For routing it counts as
   * persistent; this only frees the links of pods and users that never return. At least 1. Default 7 days.
   */
  readonly ownedTtlMs: number;
  /** The load score from which a pod counts as overloaded: crossing it is published at once. 1 to 100, default 95. */
  readonly overloadScore: number;
}

export const optionsSchema: OptionsSchema<MemoryExecutorSettings> = v.strictObject({
  ownedTtlMs: v.optional(
    v.pipe(v.number(), v.safeInteger("must be a whole number of milliseconds"), v.minValue(1)),
    DEFAULTS.ownedTtlMs,
  ),
  overloadScore: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(100)), DEFAULTS.overloadScore),
});
