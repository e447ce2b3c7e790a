import { fakeClock } from "@podlink/testkit";
import { expect, test } from "vitest";
import { Pace } from "../src/pace.ts";

function paceOf(ratePerSecond: number, random = (): number => 0.5) {
  const clock = fakeClock();
  return { clock, pace: new Pace({ ratePerSecond, clock, random }) };
}

test("over ten seconds the pace lets no more through than its rate", async () => {
  const { clock, pace } = paceOf(200);
  let passed = 0;
  for (let step = 0; step < 1000; step += 1) {
    for (let call = 0; call < 10; call += 1) if (pace.take() === undefined) passed += 1;
    await clock.advance(10);
  }
  expect(passed).toBeGreaterThanOrEqual(1990);
  expect(passed).toBeLessThanOrEqual(2020);
});

test("a pause does not save up more than a tenth of a second", async () => {
  const { clock, pace } = paceOf(200);
  await clock.advance(60_000);
  let passed = 0;
  while (pace.take() === undefined) passed += 1;
  expect(passed).toBe(20);
});

test("a pace of one a second lets the first through at once", () => {
  expect(paceOf(1).pace.take()).toBeUndefined();
});

test("those refused are told to come back one after the other, within about a second", () => {
  const { pace } = paceOf(100);
  while (pace.take() === undefined);
  const hints = Array.from({ length: 500 }, () => pace.take() as number);
  expect(hints[0]).toBeGreaterThan(0);
  expect(hints[50]).toBeGreaterThan(hints[0] as number);
  expect(Math.max(...hints)).toBeLessThanOrEqual(1010);
});

test("those told the same moment are spread by chance", () => {
  const chances = [0, 0.9];
  const { pace } = paceOf(1, () => chances.shift() ?? 0);
  pace.take();
  expect(pace.take()).toBe(1000);
  expect(pace.take()).toBe(1400);
});

test("far more than the queue takes don't come back all together either", () => {
  let drawn = 0;
  const { pace } = paceOf(200, () => (drawn++ * 0.618) % 1);
  while (pace.take() === undefined);
  const hints = Array.from({ length: 3000 }, () => pace.take() as number);
  const together = hints.map((fromMs) => hints.filter((ms) => ms >= fromMs && ms < fromMs + 100).length);
  expect(Math.max(...together)).toBeLessThan(0.15 * hints.length);
  expect(Math.max(...hints)).toBeLessThan(1500);
});
