import { describe, expect, it } from "vitest";
import { RouteError } from "../src/index.ts";

describe("RouteError", () => {
  it("knows by its code whether trying again makes sense, unless told otherwise", () => {
    expect(new RouteError("STORE_UNAVAILABLE", "down").retryable).toBe(true);
    expect(new RouteError("INVALID_ARGUMENT", "bad").retryable).toBe(false);
    expect(new RouteError("STORE_UNAVAILABLE", "down", { retryable: false }).retryable).toBe(false);
  });

  it("keeps its cause, outcome and time to retry, and has none that was not given", () => {
    const cause = new Error("socket closed");
    const error = new RouteError("TIMEOUT", "late", { cause, outcome: "unknown", retryAfterMs: 50 });
    expect(error).toMatchObject({ name: "RouteError", code: "TIMEOUT", cause, outcome: "unknown", retryAfterMs: 50 });
    expect(Object.keys(new RouteError("CLOSED", "closed"))).not.toContain("outcome");
  });

  it("is recognised by its brand, also from another copy of the package", () => {
    const fromOtherCopy = Object.assign(new Error("other copy"), { [Symbol.for("podlink.RouteError")]: true });
    expect(RouteError.is(fromOtherCopy)).toBe(true);
    expect(RouteError.is(new Error("plain"))).toBe(false);
    expect(RouteError.is(null)).toBe(false);
    expect(RouteError.is("RouteError")).toBe(false);
  });

  it("wraps whatever was thrown", () => {
    const error = new RouteError("CLOSED", "closed");
    expect(RouteError.from(error)).toBe(error);
    expect(RouteError.from(new TypeError("x"))).toMatchObject({ code: "INTERNAL", message: "x" });
    expect(RouteError.from("text", "CORRUPT")).toMatchObject({ code: "CORRUPT", cause: "text" });
  });
});
