import { expect, test } from "vitest";
import { dueTimes } from "../../src/load/arrivals.ts";
import { seededRandom } from "../../src/seeded-random.ts";

const first = (count: number, arrivals: "constant" | "poisson", seed = 1): number[] => {
  const times = dueTimes({ ratePerSecond: 200, arrivals, random: seededRandom(seed) });
  return Array.from({ length: count }, () => times.next().value);
};

test("constant arrivals are evenly spaced, and do not drift", () => {
  const times = first(1_000_001, "constant");
  expect(times.slice(0, 4)).toEqual([0, 5, 10, 15]);
  expect(times.at(-1)).toBe(5_000_000);
});

test("poisson arrivals have the rate as their mean, pauses as spread as an exponential's, and repeat with their seed", () => {
  const times = first(20_001, "poisson");
  const pauses = times.slice(1).map((time, index) => time - times[index]!);
  const mean = pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length;
  const variance = pauses.reduce((sum, pause) => sum + (pause - mean) ** 2, 0) / pauses.length;
  expect(mean).toBeGreaterThan(4.8);
  expect(mean).toBeLessThan(5.2);
  expect(Math.sqrt(variance) / mean).toBeGreaterThan(0.95); // 1 for an exponential, 0 for constant pauses
  expect(Math.sqrt(variance) / mean).toBeLessThan(1.05);
  expect(first(100, "poisson")).toEqual(times.slice(0, 100));
  expect(first(100, "poisson", 2)).not.toEqual(times.slice(0, 100));
});
