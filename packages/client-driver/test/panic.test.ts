import { expect, test } from "vitest";
import type { PanicPod } from "../src/panic.ts";
import { panicSinceMs } from "../src/panic.ts";

const LEASE = 10_000;
const NOW = 100_000;

const reporting = (count: number): PanicPod[] =>
  Array.from({ length: count }, () => ({ goodbye: false, alive: true, leaseOverAtMs: NOW + 5000 }));
const silentAt = (...moments: number[]): PanicPod[] =>
  moments.map((leaseOverAtMs) => ({ goodbye: false, alive: false, leaseOverAtMs }));
const goodbyes = (count: number): PanicPod[] =>
  Array.from({ length: count }, () => ({ goodbye: true, alive: false, leaseOverAtMs: NOW - 500 }));

type Case = [name: string, pods: PanicPod[], beganAtMs: number | undefined];

test.each<Case>([
  ["nobody silent is no panic", reporting(5), undefined],
  [
    "three of five silent at once is a panic, from the third on",
    [...reporting(2), ...silentAt(90_000, 90_100, 90_200)],
    90_200,
  ],
  ["two of three is too few", [...reporting(1), ...silentAt(90_000, 90_000)], undefined],
  ["three of six is not more than half", [...reporting(3), ...silentAt(90_000, 90_000, 90_000)], undefined],
  [
    "one after the other, a lease apart, is no panic",
    [...reporting(1), ...silentAt(60_000, 75_000, 90_000)],
    undefined,
  ],
  [
    "those silent long before don't count as pods",
    [...reporting(2), ...silentAt(1000, 2000, 90_000, 90_000, 90_000)],
    90_000,
  ],
  ["goodbyes are neither silent nor pods", [...reporting(2), ...goodbyes(9)], undefined],
  ["goodbyes don't outvote the silent", [...goodbyes(9), ...silentAt(90_000, 90_000, 90_000)], 90_000],
  ["all pods silent is a panic", silentAt(90_000, 90_000, 90_001), 90_001],
  [
    "the later of two panics counts",
    [...reporting(1), ...silentAt(10_000, 10_000, 10_000, 10_000, 10_000, 90_000, 90_000, 90_000)],
    90_000,
  ],
  [
    "one that follows does not start the panic anew",
    [...reporting(1), ...silentAt(90_000, 90_000, 90_000, 95_000)],
    90_000,
  ],
])("%s", (_name, pods, beganAtMs) => {
  expect(panicSinceMs(pods, NOW, LEASE)).toBe(beganAtMs);
});
