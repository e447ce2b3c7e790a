import type { PodReport, PodRow } from "@podlink/types";
import { isGoodbye } from "@podlink/types";

/** How long a goodbye is shown before it may be dropped. */
const GOODBYE_KEPT_MS = 86_400_000;
/** How many goodbyes one drop looks for. */
const GOODBYES_A_DROP = 128;

/** What is stored of a pod: the row that readers get, and what only the store needs. */
export interface PodRecord {
  readonly row: PodRow;
  /** How long the pod claims nothing after its registration was first answered. 0: no wait, or it is over. */
  readonly claimAfterMs: number;
  /** The load that readers have who follow the sequence. */
  readonly sequencedLoadScore: number;
  readonly sequencedLinkCount: number;
}

/** A row, deeply frozen, that shares nothing with what the caller passed. */
export function makeRow(
  report: PodReport,
  rest: Pick<PodRow, "podIndex" | "incarnation" | "life" | "reportNumber" | "reportedAtMs" | "sequence">,
): PodRow {
  const { address, zone, version } = report;
  return Object.freeze({
    podIndex: rest.podIndex,
    incarnation: rest.incarnation,
    life: rest.life,
    reportNumber: rest.reportNumber,
    reportedAtMs: rest.reportedAtMs,
    sequence: rest.sequence,
    serviceState: report.serviceState,
    routingState: report.routingState,
    loadState: report.loadState,
    loadScore: report.loadScore,
    linkCount: report.linkCount,
    leaseMs: report.leaseMs,
    weight: report.weight,
    metadata: Object.freeze({ ...report.metadata }),
    ...(address === undefined ? undefined : { address: Object.freeze({ ...address }) }),
    ...(zone === undefined ? undefined : { zone }),
    ...(version === undefined ? undefined : { version }),
  });
}

/** A record whose row has just taken a sequence number. */
export function sequenced(row: PodRow, claimAfterMs: number): PodRecord {
  return { row, claimAfterMs, sequencedLoadScore: row.loadScore, sequencedLinkCount: row.linkCount };
}

/** Drops up to 128 goodbyes that were said more than a day ago. */
export function dropOldGoodbyes(pods: Map<number, PodRecord>, nowMs: number): void {
  let left = GOODBYES_A_DROP;
  for (const [podIndex, { row }] of pods) {
    if (!isGoodbye(row) || nowMs - row.reportedAtMs < GOODBYE_KEPT_MS) continue;
    pods.delete(podIndex);
    left -= 1;
    if (left === 0) return;
  }
}
