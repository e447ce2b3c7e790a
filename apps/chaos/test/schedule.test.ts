import { expect, it } from "vitest";
import { KINDS } from "../src/kinds.ts";
import { makeSchedule, READING_MS } from "../src/schedule.ts";
import { times } from "../src/times.ts";

const seeds = Array.from({ length: 200 }, (_, seed) => seed);
const TEN_MINUTES = 600_000;
const kindsOf = (seed: number, durationMs: number) =>
  new Set(makeSchedule({ seed, durationMs }).faults.map(({ kind }) => kind));

it("the same seed and duration give the same schedule, another seed another", () => {
  expect(makeSchedule({ seed: 3, durationMs: TEN_MINUTES })).toEqual(
    makeSchedule({ seed: 3, durationMs: TEN_MINUTES }),
  );
  expect(makeSchedule({ seed: 3, durationMs: TEN_MINUTES })).not.toEqual(
    makeSchedule({ seed: 4, durationMs: TEN_MINUTES }),
  );
});

it("ten minutes have every kind, whatever the seed", () => {
  for (const seed of seeds)
    expect([...kindsOf(seed, TEN_MINUTES)].toSorted(), `seed ${seed}`).toEqual(KINDS.toSorted());
});

it("90 s have a fault of a process, of a line, of the store, and a planned step; seven seeds have every kind", () => {
  for (const seed of seeds) {
    const kinds = kindsOf(seed, 90_000);
    const some = (...names: string[]) => names.some((name) => [...kinds].some((kind) => kind.startsWith(name)));
    expect(some("pod-kill", "pod-freeze"), `seed ${seed}`).toBe(true);
    expect(
      [...kinds].some((kind) => kind.includes("-cut-off-")),
      `seed ${seed}`,
    ).toBe(true);
    expect(some("store", "connections", "scripts", "data"), `seed ${seed}`).toBe(true);
    expect(some("rolling", "scale"), `seed ${seed}`).toBe(true);
  }
  const seven = new Set([1, 2, 3, 4, 5, 6, 7].flatMap((seed) => [...kindsOf(seed, 90_000)]));
  expect([...seven].toSorted()).toEqual(KINDS.toSorted());
});

it("all is over before the end, and nothing happens during the reading", () => {
  for (const seed of seeds) {
    const { faults, readingAtMs } = makeSchedule({ seed, durationMs: TEN_MINUTES });
    expect(readingAtMs).toBeGreaterThanOrEqual(120_000);
    expect(readingAtMs).toBeLessThan(180_000);
    for (const { atMs, lastsMs } of faults) {
      expect(atMs + lastsMs).toBeLessThanOrEqual(TEN_MINUTES);
      expect(atMs + lastsMs <= readingAtMs || atMs >= readingAtMs + READING_MS, `seed ${seed}`).toBe(true);
    }
  }
});

it("some faults overlap, never two of the same pod, and never three of pods at once", () => {
  let overlaps = 0;
  for (const seed of seeds) {
    const { faults } = makeSchedule({ seed, durationMs: TEN_MINUTES });
    for (const [index, fault] of faults.entries()) {
      const beside = faults.slice(0, index).filter(({ atMs, lastsMs }) => atMs + lastsMs > fault.atMs);
      overlaps += beside.length;
      expect(beside.length).toBeLessThanOrEqual(1);
      if (fault.pod !== undefined) expect(beside.map(({ pod }) => pod)).not.toContain(fault.pod);
    }
  }
  expect(overlaps).toBeGreaterThan(seeds.length);
});

it("a pod is frozen for longer than its lease", () => {
  const frozen = seeds.flatMap((seed) =>
    makeSchedule({ seed, durationMs: TEN_MINUTES }).faults.filter(({ kind }) => kind === "pod-freeze"),
  );
  expect(Math.min(...frozen.map(({ lastsMs }) => lastsMs))).toBeGreaterThan(times.leaseMs);
});
