import type { PodView } from "@podlink/state-cache";
import { isSilent } from "./judge-holder.ts";

export type PanicPod = Pick<PodView, "goodbye" | "alive" | "leaseOverAtMs">;

/** Below this many pods gone silent together, the pods are believed to be dead. */
const FEWEST_SILENT = 3;

/**
 * Since when the store is to be suspected rather than the pods: more than half of those that reported, at least three, had
 * gone silent within one lease. The latest such moment, worked out from the pods alone: a caller that looks late comes to
 * the same answer. Absent: there was none since these pods fell silent.
 */
export function panicSinceMs(pods: readonly PanicPod[], nowMs: number, leaseMs: number): number | undefined {
  const silentAtMs: number[] = [];
  let reporting = 0;
  for (const pod of pods) {
    if (pod.goodbye) continue;
    if (isSilent(pod, nowMs)) silentAtMs.push(pod.leaseOverAtMs);
    else reporting += 1;
  }
  if (silentAtMs.length < FEWEST_SILENT) return undefined;
  silentAtMs.sort((a, b) => a - b);
  return latestCrossing(silentAtMs, reporting, leaseMs);
}

/** Slides a window of one lease over the sorted moments; the pods silent before it no longer count as pods. */
function latestCrossing(silentAtMs: readonly number[], reporting: number, leaseMs: number): number | undefined {
  let beganAtMs: number | undefined;
  let first = 0;
  for (const [last, momentMs] of silentAtMs.entries()) {
    while (momentMs - (silentAtMs[first] ?? momentMs) > leaseMs) first += 1;
    const within = last - first + 1;
    const reportedBefore = reporting + silentAtMs.length - first;
    if (within < FEWEST_SILENT || within * 2 <= reportedBefore) continue;
    // One long panic, not a new one with each pod that follows.
    if (beganAtMs === undefined || momentMs - beganAtMs > leaseMs) beganAtMs = momentMs;
  }
  return beganAtMs;
}
