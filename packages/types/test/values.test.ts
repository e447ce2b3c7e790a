import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkDurationMs,
  checkIncarnation,
  checkItems,
  checkNamespace,
  checkPodIndex,
  checkService,
  checkTag,
  checkUid,
  describeValue,
  RouteError,
} from "../src/index.ts";

const refusal = (run: () => unknown): RouteError => {
  try {
    run();
  } catch (error) {
    if (RouteError.is(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

describe("a uid", () => {
  it.each([
    "a",
    "0",
    "__proto__",
    "NOSCRIPT",
    "a}b",
    "a b",
    "é",
    "日本語",
    "😀",
    "x".repeat(256),
    "é".repeat(128),
    "...",
  ])("may be %j", (uid) => expect(checkUid(uid)).toBe(uid));

  it.each([
    "",
    ".",
    "..",
    "a\nb",
    "\0",
    "\u007f",
    "\u0085",
    "\ud800",
    "a\udc00",
    "\udc00\ud800",
    "x".repeat(257),
    "é".repeat(129),
  ])("may not be %j", (uid) => expect(refusal(() => checkUid(uid)).code).toBe("INVALID_ARGUMENT"));

  it.each([undefined, null, 0, {}, ["a"], Symbol("s"), 10n])("may not be of another type: %s", (uid) => {
    expect(refusal(() => checkUid(uid)).code).toBe("INVALID_ARGUMENT");
  });

  it("is accepted exactly when its UTF-8 is well formed, short enough and free of controls", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const bytes = new TextEncoder().encode(text);
        const wellFormed = new TextDecoder().decode(bytes) === text && !text.includes("\ufffd");
        // oxlint-disable-next-line no-control-regex -- the rule itself
        const allowed = wellFormed && bytes.length >= 1 && bytes.length <= 256 && !/[\0-\x1f\x7f-\x9f]/.test(text);
        fc.pre(!text.includes("\ufffd") && text !== "." && text !== "..");
        let accepted = true;
        try {
          checkUid(text);
        } catch {
          accepted = false;
        }
        expect(accepted).toBe(allowed);
      }),
    );
  });
});

describe("a refusal", () => {
  it("names the field, the rule and the value, and says that nothing happened", () => {
    const error = refusal(() => checkNamespace("Prod!", "namespace"));
    expect(error.message).toMatch(/^namespace must be a DNS-1123 label: .*; got "Prod!"$/);
    expect(error.outcome).toBe("not-applied");
    expect(error.retryable).toBe(false);
  });

  it("shortens and escapes the value, so that no log line can be forged", () => {
    const { message } = refusal(() => checkUid(`evil\n{"level":"error"}${"x".repeat(1000)}`));
    expect(message).not.toContain("\n");
    expect(message.length).toBeLessThan(250);
    expect(describeValue("\u0085\u2028")).toBe('"\\u0085\\u2028"');
  });

  it("can show any value", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    for (const value of [cycle, 10n, Symbol("s"), undefined, () => 1])
      expect(describeValue(value)).toBeTypeOf("string");
  });
});

describe("names and numbers", () => {
  it.each(["a", "a-b", "0", "x".repeat(63)])("a label may be %j", (label) => {
    expect(checkService(label)).toBe(label);
    expect(checkNamespace(label)).toBe(label);
  });
  it.each(["", "-a", "a-", "A", "a.b", "x".repeat(64), 1])("a label may not be %j", (label) => {
    expect(refusal(() => checkService(label)).message).toContain("service");
  });
  it("fault 1: pod 0 is a pod", () => expect(checkPodIndex(0)).toBe(0));
  it.each([-1, 0.5, 65_536, "0", Number.NaN, undefined])("a pod index may not be %s", (value) => {
    expect(refusal(() => checkPodIndex(value)).message).toContain("podIndex");
  });
  it.each([0, -1, 2 ** 53, "1"])("an incarnation may not be %s", (value) => {
    expect(refusal(() => checkIncarnation(value)).code).toBe("INVALID_ARGUMENT");
  });
  it("a tag keeps a uid's rule under its own name", () => {
    expect(checkTag("blue")).toBe("blue");
    expect(refusal(() => checkTag("")).message).toContain("tag");
  });
  it("a duration is a whole number within its bounds", () => {
    expect(checkDurationMs(0, "graceMs")).toBe(0);
    expect(refusal(() => checkDurationMs(0, "ttlMs", 1)).message).toContain("ttlMs");
    expect(refusal(() => checkDurationMs(1.5, "ttlMs")).message).toContain("ttlMs");
  });
  it("a call takes 10,000 items and no more", () => {
    expect(checkItems(Array.from({ length: 10_000 }), "uids")).toHaveLength(10_000);
    expect(refusal(() => checkItems(Array.from({ length: 10_001 }), "uids")).message).toContain("split it");
    expect(refusal(() => checkItems("abc" as unknown as string[], "uids")).message).toContain("a list");
  });
});
