import type { Leave } from "@podlink/types";
import { isGoodbye } from "@podlink/types";
import { makeRow, sequenced } from "./pod-record.ts";
import type { PodStep, ServicePods } from "./service-pods.ts";
import { giveUpWriter } from "./workload-writer.ts";

/** Turns the row of that very incarnation into a goodbye; one that is a goodbye already stays as it is. */
export function leave(
  service: ServicePods,
  { podIndex, incarnation }: Leave,
  nowMs: number,
): PodStep<{ left: boolean }> {
  const record = service.pods.get(podIndex);
  if (record === undefined || record.row.incarnation !== incarnation) return { result: { left: false } };
  if (isGoodbye(record.row)) return { result: { left: true } };
  service.sequence += 1;
  const row = makeRow(
    { ...record.row, serviceState: "Terminating", routingState: "Shutdown" },
    { ...record.row, reportedAtMs: nowMs, sequence: service.sequence },
  );
  service.pods.set(podIndex, sequenced(row, record.claimAfterMs));
  giveUpWriter(service, podIndex);
  return { result: { left: true }, published: row };
}
