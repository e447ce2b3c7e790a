import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { parseOptions } from "../src/index.ts";

const schema = v.strictObject({
  leaseMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 10_000),
  redis: v.optional(v.strictObject({ password: v.optional(v.pipe(v.string(), v.minLength(8))) }), {}),
});

describe("options", () => {
  it("come back with their defaults, frozen", () => {
    const options = parseOptions(schema, undefined, "test");
    expect(options).toEqual({ leaseMs: 10_000, redis: {} });
    expect(Object.isFrozen(options)).toBe(true);
  });

  it("name the path, the rule and the value of each that breaks its rule", () => {
    expect(() => parseOptions(schema, { leaseMs: "ten" }, "pod")).toThrow(
      expect.objectContaining({
        code: "CONFIG",
        message: expect.stringMatching(/^pod\.leaseMs: .*\(got "ten"\)$/) as string,
      }),
    );
  });

  it("fault 23: an unknown one is refused, not ignored", () => {
    expect(() => parseOptions(schema, { leaseMS: 5 }, "pod")).toThrow(/pod\.leaseMS: /);
  });

  it("a secret never stands in the message", () => {
    expect(() => parseOptions(schema, { redis: { password: "hunter2" } }, "pod")).toThrow(/^(?!.*hunter2).*a secret/);
  });

  it("a schema that waits is refused", () => {
    expect(() =>
      parseOptions(
        v.pipeAsync(
          v.object({}),
          v.checkAsync(async () => true),
        ),
        {},
        "pod",
      ),
    ).toThrow("without waiting");
  });
});
