import type { RegisterResult, Registration } from "@podlink/types";
import { isGoodbye } from "@podlink/types";
import type { PodRecord } from "./pod-record.ts";
import { dropOldGoodbyes, makeRow, sequenced } from "./pod-record.ts";
import type { PodStep, ServicePods } from "./service-pods.ts";

/** Makes the row of a pod, by compare-and-set on the incarnation that was there. */
export function register(service: ServicePods, registration: Registration, nowMs: number): PodStep<RegisterResult> {
  dropOldGoodbyes(service.pods, nowMs);
  const { podIndex, life, expected, floor = 0 } = registration;
  const found = service.pods.get(podIndex);
  if (found !== undefined && found.row.incarnation !== expected && isRetry(found, registration)) {
    return { result: registered(found, { generation: service.generation ?? registration.generation, adopted: true }) };
  }
  if (found?.row.incarnation !== expected) {
    return { result: { registered: false, ...(found === undefined ? undefined : { found: found.row.incarnation }) } };
  }
  service.generation ??= registration.generation;
  service.sequence += 1;
  const row = makeRow(registration.report, {
    podIndex,
    life,
    incarnation: Math.max((found?.row.incarnation ?? 0) + 1, floor + 1, nowMs),
    reportNumber: 0,
    reportedAtMs: nowMs,
    sequence: service.sequence,
  });
  const record = sequenced(row, claimAfterMs(found, registration));
  service.pods.set(podIndex, record);
  const result = registered(record, { generation: service.generation });
  // Where there is no row it may have been lost, and the life that it was of may go on.
  const maySucceed = found === undefined || (found.row.life !== life && !isGoodbye(found.row));
  return { result, published: row, ...(maySucceed ? { successor: row } : undefined) };
}

/** The row is what this very registration made when it was tried before: the reply was lost. */
function isRetry({ row }: PodRecord, { life, floor = 0 }: Registration): boolean {
  return row.life === life && row.incarnation > floor && !isGoodbye(row);
}

/**
 * How long the old process may still serve what it held. A wait that has not ended passes on to whoever follows, so
 * that a crash during the wait doesn't cut it short.
 */
function claimAfterMs(found: PodRecord | undefined, { life, takeOver }: Registration): number {
  if (found === undefined || takeOver === "now") return 0;
  if (found.row.life === life || isGoodbye(found.row)) return found.claimAfterMs;
  return Math.max(found.row.leaseMs, found.claimAfterMs);
}

function registered(
  { row, claimAfterMs: afterMs }: PodRecord,
  rest: { readonly generation: string; readonly adopted?: true },
): RegisterResult {
  return { registered: true, incarnation: row.incarnation, claimAfterMs: afterMs, ...rest };
}
