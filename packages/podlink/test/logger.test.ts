import { expect, it, vi } from "vitest";
import { defaultLogger } from "../src/logger.ts";

it("a warning with a code reaches the process' warnings, once; the rest is silent", () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  defaultLogger.warn({ code: "PODLINK_TEST" }, "told once");
  defaultLogger.error({ code: "PODLINK_TEST" }, "told once");
  defaultLogger.warn({}, "no code");
  defaultLogger.info({ code: "PODLINK_OTHER" }, "not a warning");
  expect(warned.mock.calls).toEqual([["told once", { type: "PodlinkWarning", code: "PODLINK_TEST" }]]);
  warned.mockRestore();
});
