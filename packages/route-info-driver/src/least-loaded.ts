import type { PodSnapshot } from "@podlink/types";

/**
 * The position of the pod with the lowest load score, among equals the one with the fewest links for its weight, among
 * those any. Undefined: there is none but the one that must not be chosen.
 */
export function leastLoaded(
  snapshot: PodSnapshot,
  except: number | undefined,
  random: () => number,
): number | undefined {
  let best: number | undefined;
  let equals = 1;
  for (let position = 0; position < snapshot.count; position += 1) {
    if (position === except) continue;
    const difference = best === undefined ? -1 : compare(snapshot, position, best);
    if (difference < 0) equals = 1;
    else if (difference === 0) equals += 1;
    // Each of the equals ends up chosen as often as the others.
    if (difference < 0 || (difference === 0 && random() * equals < 1)) best = position;
  }
  return best;
}

function compare({ loadScores, linkCounts, weights }: PodSnapshot, one: number, other: number): number {
  return (
    loadScores[one]! - loadScores[other]! || linkCounts[one]! / weights[one]! - linkCounts[other]! / weights[other]!
  );
}
