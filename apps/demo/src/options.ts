import { parseOptions } from "@podlink/types";
import * as v from "valibot";

/** What the demo starts. */
export interface DemoOptions {
  /** The gateway's port. 0: any free one. Default 8080. */
  readonly port: number;
  /** How many pods, 1 to 20. Default 3. */
  readonly pods: number;
}

const wholeNumber = (name: string, min: number, max: number) =>
  v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.digits(), v.transform(Number))], `must be a whole number`),
    v.integer(),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}${name}`),
  );

const schema = v.strictObject({
  port: v.optional(wholeNumber("", 0, 65_535), 8080),
  pods: v.optional(wholeNumber(": each is a listener of this process", 1, 20), 3),
});

/** The options with their defaults. @throws RouteError CONFIG naming what breaks its rule. */
export function parseDemoOptions(input: { readonly port?: unknown; readonly pods?: unknown }): DemoOptions {
  return parseOptions(schema, input, "demo");
}
