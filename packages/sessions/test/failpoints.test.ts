import { failpoints } from "@podlink/testkit";
import { afterEach, expect, test } from "vitest";
import { fixture } from "./fixture.ts";

afterEach(() => failpoints.clear());

test.each(["before-load", "after-load"] as const)("a load that is stuck at %s ends at its deadline", async (name) => {
  const { clock, sessions } = fixture({ loadTimeoutMs: 1000 });
  const stuck = failpoints.on(name, { action: "pause" });
  const used = expect(sessions.use("ann", () => undefined)).rejects.toMatchObject({ code: "TIMEOUT" });
  await clock.advance(1000);
  await used;
  stuck.end();
  await sessions.use("ann", (state) => void (state.count += 1));
});

test.each(["before-save", "after-save"] as const)("what fails at %s is saved again", async (name) => {
  const { clock, sessions, saved, calls } = fixture();
  await sessions.use("ann", (state) => void (state.count += 1));
  const failing = failpoints.on(name, { action: "throw", times: 1 });
  await expect(sessions.release("ann")).rejects.toThrow(`failpoint ${name}`);
  await sessions.release("ann");
  await clock.advance(0);
  expect(failing.hits).toBe(1);
  expect(saved.get("ann")).toBe(1);
  const before = name === "after-save" ? 1 : 0;
  expect(calls.filter((call) => call.startsWith("save"))).toHaveLength(before + 1);
});
