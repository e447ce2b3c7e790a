import { expect, test } from "vitest";
import type { SilentMember } from "../src/panic.ts";
import { panicSinceMs } from "../src/panic.ts";

const LEASE = 10_000;

const silentAt = (...moments: number[]): SilentMember[] =>
  moments.map((leaseOverAtMs) => ({ leaseOverAtMs, leaseMs: LEASE }));

type Case = [name: string, reporting: number, silent: SilentMember[], beganAtMs: number | undefined];

test.each<Case>([
  ["nobody silent is no panic", 5, [], undefined],
  ["three of five silent at once is a panic, from the third on", 2, silentAt(90_000, 90_100, 90_200), 90_200],
  ["two of three is too few", 1, silentAt(90_000, 90_000), undefined],
  ["three of six is not more than half", 3, silentAt(90_000, 90_000, 90_000), undefined],
  ["one after the other, a lease apart, is no panic", 1, silentAt(60_000, 75_000, 90_000), undefined],
  ["those silent long before don't count as pods", 2, silentAt(1000, 2000, 90_000, 90_000, 90_000), 90_000],
  ["while readings fail nobody knows until when", 0, silentAt(1000, Infinity, Infinity, Infinity), Infinity],
  ["all pods silent is a panic", 0, silentAt(90_000, 90_000, 90_001), 90_001],
  [
    "the later of two panics counts",
    1,
    silentAt(10_000, 10_000, 10_000, 10_000, 10_000, 90_000, 90_000, 90_000),
    90_000,
  ],
  ["one that follows does not start the panic anew", 1, silentAt(90_000, 90_000, 90_000, 95_000), 90_000],
])("%s", (_name, reporting, silent, beganAtMs) => {
  expect(panicSinceMs(silent, reporting)).toBe(beganAtMs);
});
