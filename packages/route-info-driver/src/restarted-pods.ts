import type { PodPositions } from "@podlink/state-cache";
import type { PodIdentity, PodSnapshot } from "@podlink/types";

/**
 * The pods of a snapshot that a rolling restart came to before it came to this one, as they are now.
 *
 * A StatefulSet restarts from the highest index down. So behind it are exactly the pods of higher indexes, all registered
 * later than this one. Later alone is not enough: pods start in any order, and after a rolling restart pod 0 is the youngest.
 * A higher index alone would have them take all users of a pod that goes alone, too.
 */
export function restartedPods(
  snapshot: PodSnapshot,
  leaving: Pick<PodIdentity, "podIndex" | "incarnation">,
): PodPositions {
  const positions: number[] = [];
  for (let position = 0; position < snapshot.count; position += 1) {
    const isAbove = snapshot.podIndexes[position]! > leaving.podIndex;
    if (isAbove && snapshot.incarnations[position]! > leaving.incarnation) positions.push(position);
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
