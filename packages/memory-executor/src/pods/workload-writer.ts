import type { PodRow } from "@podlink/types";
import { isAlive } from "@podlink/types";
import type { ServicePods } from "./service-pods.ts";

/**
 * Who writes the workload state after a report: the lowest of the pods alive, as far as their own reports show; one of a
 * lower index only while its last report is within its lease. Returns whether it is the pod that reported.
 */
export function keepWriter(service: ServicePods, { podIndex, reportedAtMs, ...said }: PodRow): boolean {
  if (!isAlive(said, 0)) {
    giveUpWriter(service, podIndex);
    return false;
  }
  const { writer } = service;
  if (writer !== undefined && writer.podIndex < podIndex) {
    const ageMs = reportedAtMs - writer.beatMs;
    // One in the future proves nothing: the clock has stepped back.
    if (ageMs >= 0 && ageMs < writer.leaseMs) return false;
  }
  service.writer = { podIndex, beatMs: reportedAtMs, leaseMs: said.leaseMs };
  return true;
}

/** A pod that isn't alive any more writes nothing: the next report of another takes that over. */
export function giveUpWriter(service: ServicePods, podIndex: number): void {
  if (service.writer?.podIndex === podIndex) service.writer = undefined;
}
