import { expect, it } from "vitest";
import { defer, keepAliveUntil } from "../src/index.ts";

const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;

it("the process stays alive while the work goes on, and no longer", async () => {
  const before = timers();
  const work = defer<number>();
  const kept = keepAliveUntil(work.promise);
  expect(timers()).toBe(before + 1);
  work.resolve(1);
  await expect(kept).resolves.toBe(1);
  expect(timers()).toBe(before);
});

it("work that fails lets go too, and its failure is the caller's", async () => {
  const before = timers();
  await expect(keepAliveUntil(Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(timers()).toBe(before);
});
