import type { PodPositions } from "@podlink/state-cache";
import type { PodSnapshot } from "@podlink/types";

/** The pods of a snapshot that registered after that incarnation, as they are now. */
export function newerPods(snapshot: PodSnapshot, incarnation: number): PodPositions {
  const positions: number[] = [];
  for (let position = 0; position < snapshot.count; position += 1) {
    if (snapshot.incarnations[position]! > incarnation) positions.push(position);
  }
  const at = (values: ArrayLike<number>): number[] => positions.map((position) => values[position]!);
  const podIndexes = at(snapshot.podIndexes);
  return {
    version: snapshot.version,
    count: positions.length,
    podIndexes,
    incarnations: at(snapshot.incarnations),
    reportNumbers: at(snapshot.reportNumbers),
    loadScores: at(snapshot.loadScores),
    linkCounts: at(snapshot.linkCounts),
    weights: at(snapshot.weights),
    warmths: at(snapshot.warmths),
    positionOf(podIndex) {
      const position = podIndexes.indexOf(podIndex);
      return position < 0 ? undefined : position;
    },
  };
}
