import { fakeClock } from "@podlink/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CpuShare, loadScoreOf } from "../src/load-score.ts";

const part = fc.double({ min: 0, max: 1, noNaN: true });
const load = fc.double({ min: 0, max: 1e9, noNaN: true });

test("fault 16: a busier pod never looks lighter", () => {
  fc.assert(
    fc.property(
      part,
      part,
      load,
      load,
      part,
      fc.double({ min: 0.001, max: 1e6, noNaN: true }),
      (a, b, c, d, factor, capacity) => {
        const options = { cpuFactor: factor, loadCapacity: capacity };
        const idle = loadScoreOf(Math.min(a, b), Math.min(c, d), options);
        const busy = loadScoreOf(Math.max(a, b), Math.max(c, d), options);
        expect(busy).toBeGreaterThanOrEqual(idle);
        expect(idle).toBeGreaterThanOrEqual(0);
        expect(busy).toBeLessThanOrEqual(100);
      },
    ),
  );
});

test("fault 23: cpuFactor and loadCapacity weigh the parts", () => {
  expect(loadScoreOf(1, 0, { cpuFactor: 0.7, loadCapacity: 100 })).toBe(70);
  expect(loadScoreOf(0, 50, { cpuFactor: 0.7, loadCapacity: 100 })).toBe(15);
  expect(loadScoreOf(0, 50, { cpuFactor: 0, loadCapacity: 50 })).toBe(100);
  expect(loadScoreOf(0.5, 1e9, { cpuFactor: 0.5, loadCapacity: 100 })).toBe(75);
});

test("the use of the processor is smoothed over ten seconds", async () => {
  const clock = fakeClock();
  let micros = 0;
  const cpu = new CpuShare(clock, () => micros);
  expect(cpu.read()).toBe(0);
  for (let second = 0; second < 10; second += 1) {
    micros += 1_000_000;
    await clock.advance(1000);
    cpu.read();
  }
  expect(cpu.read()).toBeCloseTo(1 - Math.exp(-1), 2);
  await clock.advance(100_000);
  expect(cpu.read()).toBeLessThan(0.01);
});

test("the system is asked for it no more often than every 50 ms, however often it is read", async () => {
  const clock = fakeClock();
  let asked = 0;
  const cpu = new CpuShare(clock, () => (asked += 1) * 1_000_000);
  for (let reads = 0; reads < 100; reads += 1) {
    await clock.advance(1);
    cpu.read();
  }
  expect(asked, "at first, and twice in 100 ms").toBe(3);
});

test("more processor time than one core has counts as one core", async () => {
  const clock = fakeClock();
  let micros = 0;
  const cpu = new CpuShare(clock, () => micros);
  micros = 8_000_000_000;
  await clock.advance(1_000_000);
  expect(cpu.read()).toBe(1);
});

test("the real processor is read", async () => {
  const clock = fakeClock();
  const cpu = new CpuShare(clock);
  await clock.advance(1000);
  expect(cpu.read()).toBeGreaterThanOrEqual(0);
});
