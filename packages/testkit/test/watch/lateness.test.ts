import { afterEach, expect, test, vi } from "vitest";
import { expectNothingLeftOpen, Lateness } from "../../src/index.ts";

afterEach(() => void vi.useRealTimers());

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test("a process that gets its turns in time isn't late", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  using lateness = new Lateness();
  vi.advanceTimersByTime(10_000);
  expect(lateness.totalMs).toBe(0);
});

test("a standstill counts at once, and once", async () => {
  const madeAtMs = performance.now();
  using lateness = new Lateness();
  block(200);
  const atOnceMs = lateness.totalMs;
  expect(atOnceMs).toBeGreaterThanOrEqual(180);
  await new Promise((resolve) => setTimeout(resolve, 50));
  block(200);
  expect(lateness.totalMs).toBeGreaterThanOrEqual(atOnceMs + 180);
  expect(lateness.totalMs).toBeLessThanOrEqual(performance.now() - madeAtMs);
});

test("once it is disposed of it counts no more, and leaves no timer", async () => {
  let lateness: Lateness | undefined;
  await expectNothingLeftOpen(() => {
    using measured = new Lateness();
    block(100);
    lateness = measured;
    return Promise.resolve();
  });
  const totalMs = lateness!.totalMs;
  expect(totalMs).toBeGreaterThanOrEqual(80);
  block(100);
  expect(lateness!.totalMs).toBe(totalMs);
});
