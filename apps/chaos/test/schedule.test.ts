import { expect, it } from "vitest";
import type { FaultKind, Group } from "../src/kinds.ts";
import { GROUPS, KINDS } from "../src/kinds.ts";
import { makeSchedule, READING_MS } from "../src/schedule.ts";
import { times } from "../src/times.ts";

const seeds = Array.from({ length: 200 }, (_, seed) => seed);
const TEN_MINUTES = 600_000;
const kindsOf = (seed: number, durationMs: number) =>
  new Set(makeSchedule({ seed, durationMs }).faults.map(({ kind }) => kind));
const hasSome = (group: Group, kinds: ReadonlySet<FaultKind>) => GROUPS[group].some((kind) => kinds.has(kind));

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

it.each([60_000, 90_000])("%i ms leave an owner behind who is stale, and lose or delay answers", (durationMs) => {
  for (const seed of seeds) {
    const kinds = kindsOf(seed, durationMs);
    expect(hasSome("stale", kinds), `seed ${seed}`).toBe(true);
    expect(hasSome("answers", kinds), `seed ${seed}`).toBe(true);
  }
});

it("90 s of seed 1 have some of every group; of seeds 1 to 7 together every kind", () => {
  for (const group of Object.keys(GROUPS) as Group[]) expect(hasSome(group, kindsOf(1, 90_000)), group).toBe(true);
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

const everyFault = (kind: FaultKind) =>
  seeds.flatMap((seed) =>
    makeSchedule({ seed, durationMs: TEN_MINUTES }).faults.filter((fault) => fault.kind === kind),
  );

it("a pod is frozen until its users have been served elsewhere for 3 s and more", () => {
  for (const { lastsMs } of everyFault("pod-freeze")) {
    expect(lastsMs).toBeGreaterThanOrEqual(times.leaseMs + times.graceMs + 3000);
    expect(lastsMs).toBeLessThanOrEqual(12_000);
  }
});

it("late requests were sent before their users moved, arrive after it, and for some seconds, while their pod is cut off", () => {
  for (const { lastsMs, lateMs = 0 } of everyFault("requests-late")) {
    expect(lateMs).toBeGreaterThan(times.leaseMs + times.graceMs);
    expect(lastsMs).toBeGreaterThanOrEqual(lateMs + 3000);
  }
});

it("late answers come when the gateway has given up", () => {
  // Its HTTP client looks once a second: it may wait for that much longer.
  for (const { lateMs = 0 } of everyFault("answers-late"))
    expect(lateMs).toBeGreaterThan(times.responseTimeoutMs + 1000);
});
