import { RouteError } from "./route-error.ts";
import { describeValue } from "./values.ts";

/** The part of Standard Schema v1 (https://standardschema.dev) that is used here; valibot's and zod's schemas fit. */
export interface OptionsSchema<T> {
  readonly "~standard": {
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] };

/**
 * The options with their defaults, frozen.
 * @param name what the options belong to, the first part of every path in the message.
 * @throws RouteError CONFIG naming each option that breaks its rule, its value and the rule; nothing is ignored.
 */
export function parseOptions<T extends object>(schema: OptionsSchema<T>, input: unknown, name: string): Readonly<T> {
  const result = schema["~standard"].validate(input ?? {});
  if (result instanceof Promise) throw new RouteError("CONFIG", `${name}: options are validated without waiting`);
  if (result.issues === undefined) return Object.freeze(result.value);
  const lines = result.issues.map((issue) => {
    const path = (issue.path ?? []).map(keyOf);
    const shown = [name, ...path.map(String)].join(".");
    const secret = /password|secret|credential/i.test(shown);
    return `${shown}: ${issue.message} (got ${secret ? "a secret" : describeValue(valueAt(input, path))})`;
  });
  throw new RouteError("CONFIG", lines.join("; "));
}

function keyOf(segment: unknown): PropertyKey {
  return typeof segment === "object" && segment !== null
    ? (segment as { key: PropertyKey }).key
    : (segment as PropertyKey);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = input;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}
