import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Chance } from "../src/chance.ts";
import { seeded } from "./snapshots.ts";

const numbers = (chance: Chance, count: number, below: number): number[] =>
  Array.from({ length: count }, () => chance.below(below));

/** sfc32 as it is published, in numbers that don't overflow by themselves; after the 12 numbers that only mix. */
function* sfc32(seed: readonly number[]): Generator<number> {
  let [a, b, c, counter] = seed.map((word) => BigInt(word)) as [bigint, bigint, bigint, bigint];
  const cut = (value: bigint): bigint => BigInt.asUintN(32, value);
  for (let turn = 0; ; turn += 1) {
    const next = cut(a + b + counter);
    counter = cut(counter + 1n);
    a = b ^ (b >> 9n);
    b = cut(c + (c << 3n));
    c = cut(((c << 21n) | (c >> 11n)) + next);
    if (turn >= 12) yield Number(next);
  }
}

describe("chance", () => {
  it("is sfc32", () => {
    const words = [0xdeadbeef, 1, 0x80000000, 0xffffffff];
    const left = words.map((word) => word / 2 ** 32);
    const chance = new Chance(() => left.shift()!);
    let turn = 0;
    for (const expected of sfc32(words)) {
      expect(chance.fraction() * 2 ** 32).toBe(expected);
      if ((turn += 1) === 1000) break;
    }
  });

  it("repeats itself with its seed, and with no other", () => {
    const run = (seed: number): number[] => numbers(new Chance(seeded(seed)), 20, 10_000);
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  it("callers that are made one after the other don't go in step", () => {
    const random = seeded(1);
    expect(numbers(new Chance(random), 20, 10_000)).not.toEqual(numbers(new Chance(random), 20, 10_000));
  });

  it("gives whole numbers from 0 to below the count, whatever seeds it", () => {
    const seeds = fc.constantFrom(0, 0.5, 1 - 2 ** -53);
    fc.assert(
      fc.property(
        fc.array(seeds, { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 1, max: 65_536 }),
        (seed, count) => {
          const left = [...seed];
          const chance = new Chance(() => left.pop()!);
          for (const number of numbers(chance, 50, count)) {
            expect(Number.isInteger(number)).toBe(true);
            expect(number).toBeGreaterThanOrEqual(0);
            expect(number).toBeLessThan(count);
          }
        },
      ),
    );
  });

  it.each([1, 2, 3])("two numbers in a row are as even as one and say nothing of each other (seed %i)", (seed) => {
    const chance = new Chance(seeded(seed));
    const pairs = 160_000;
    const counts = Array.from({ length: 16 * 16 }, () => 0);
    for (let pair = 0; pair < pairs; pair += 1) counts[chance.below(16) * 16 + chance.below(16)]! += 1;
    const expected = pairs / counts.length;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 255 degrees of freedom: 255 +- 22.6, so within five of these.
    expect(chiSquare).toBeGreaterThan(142);
    expect(chiSquare).toBeLessThan(368);
  });

  it("fractions spread over 0 up to below 1", () => {
    const chance = new Chance(seeded(4));
    const fractions = Array.from({ length: 10_000 }, () => chance.fraction());
    expect(Math.min(...fractions)).toBeLessThan(0.01);
    expect(Math.max(...fractions)).toBeGreaterThan(0.99);
    expect(Math.max(...fractions)).toBeLessThan(1);
    expect(Math.abs(fractions.reduce((sum, fraction) => sum + fraction, 0) / 10_000 - 0.5)).toBeLessThan(0.02);
  });
});
