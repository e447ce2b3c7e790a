import type { PodSnapshot } from "@podlink/types";

export interface PodOfSnapshot {
  podIndex: number;
  incarnation: number;
  reportNumber: number;
  loadScore: number;
  linkCount: number;
  weight: number;
  warmth: number;
}

let version = 0;

/** A snapshot of the pods given; what is left out is that of an idle, ordinary pod. */
export function snapshotOf(pods: readonly Partial<PodOfSnapshot>[]): PodSnapshot {
  version += 1;
  const column = (pick: (pod: Partial<PodOfSnapshot>, index: number) => number): number[] => pods.map(pick);
  return {
    version,
    count: pods.length,
    podIndexes: column((pod, index) => pod.podIndex ?? index),
    incarnations: column((pod) => pod.incarnation ?? 1),
    reportNumbers: column((pod) => pod.reportNumber ?? 1),
    loadScores: column((pod) => pod.loadScore ?? 0),
    linkCounts: column((pod) => pod.linkCount ?? 0),
    weights: column((pod) => pod.weight ?? 1),
    warmths: column((pod) => pod.warmth ?? 1),
  };
}

/** Chance that repeats with its seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** How often each position is chosen in so many picks. */
export function tally(count: number, picks: number, pick: () => number | undefined): number[] {
  const chosen = Array.from({ length: count }, () => 0);
  for (let turn = 0; turn < picks; turn += 1) {
    const position = pick();
    if (position !== undefined) chosen[position]! += 1;
  }
  return chosen;
}
