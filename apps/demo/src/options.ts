import { parseOptions } from "@podlink/types";
import * as v from "valibot";

/** What the demo starts. */
export interface DemoOptions {
  /** The gateway's port. 0: any free one. Default 8080. */
  readonly port: number;
  /** How many pods, 1 to 20. Default 3. */
  readonly pods: number;
  /** The Redis that gateway and pods, each its own process, meet on. Absent: all in one process on the embedded store. */
  readonly redisUrl?: string | undefined;
  /** Starts a Redis for them that ends with the demo. Not together with `redisUrl`. Default false. */
  readonly ownRedis: boolean;
}

const wholeNumber = (name: string, min: number, max: number) =>
  v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.digits(), v.transform(Number))], `must be a whole number`),
    v.integer(),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}${name}`),
  );

const schema = v.pipe(
  v.strictObject({
    port: v.optional(wholeNumber("", 0, 65_535), 8080),
    pods: v.optional(wholeNumber(": each is a listener, or a process, of this machine", 1, 20), 3),
    redisUrl: v.optional(v.string()), // what is wrong with it the processes say, without its password
    ownRedis: v.optional(v.boolean(), false),
  }),
  v.forward(
    v.check(
      ({ redisUrl, ownRedis }) => redisUrl === undefined || !ownRedis,
      "there is a REDIS_URL: it is one or the other",
    ),
    ["ownRedis"],
  ),
);

/** As they are written: in the environment, or behind `--`. */
export type DemoInput = { readonly [name in keyof DemoOptions]?: unknown };

/** The options with their defaults. @throws RouteError CONFIG naming what breaks its rule. */
export function parseDemoOptions(input: DemoInput): DemoOptions {
  return parseOptions(schema, input, "demo");
}
