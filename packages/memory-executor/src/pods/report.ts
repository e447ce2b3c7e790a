import type { Heartbeat, HeartbeatResult, PodReport, PodRow } from "@podlink/types";
import { isGoodbye } from "@podlink/types";
import type { PodRecord } from "./pod-record.ts";
import { dropOldGoodbyes, makeRow, sequenced } from "./pod-record.ts";
import type { PodStep, ServicePods } from "./service-pods.ts";
import { keepWriter } from "./workload-writer.ts";

/** Every so many reports of a service drop its old goodbyes. */
const REPORTS_A_DROP = 100;
/** A load score that moved by so much is worth a sequence number. */
const LOAD_SCORE_STEP = 5;
/** So is a number of links that moved by this share, and at least by so many. */
const LINK_COUNT_SHARE = 0.02;
const LINK_COUNT_STEP = 5;

/** Writes what a pod says of itself. Never makes, revives or takes over a row. */
export function report(
  service: ServicePods,
  heartbeat: Heartbeat,
  { nowMs, overloadScore }: { readonly nowMs: number; readonly overloadScore: number },
): PodStep<HeartbeatResult> {
  service.reports += 1;
  if (service.reports % REPORTS_A_DROP === 0) dropOldGoodbyes(service.pods, nowMs);
  const record = service.pods.get(heartbeat.podIndex);
  if (record === undefined) return { result: { accepted: false, reason: "gone" } };
  const refused = refusal(record.row, heartbeat);
  if (refused !== undefined) return { result: refused };

  const said = heartbeat.report;
  const isPublished = changesRouting(record.row, said, overloadScore);
  const isSequenced = isPublished || movesLoad(record, said);
  if (isSequenced) service.sequence += 1;
  const row = makeRow(said, {
    podIndex: heartbeat.podIndex,
    incarnation: heartbeat.incarnation,
    life: heartbeat.life,
    reportNumber: heartbeat.reportNumber,
    reportedAtMs: nowMs,
    sequence: isSequenced ? service.sequence : record.row.sequence,
  });
  // A pod is Pending while it waits: one that says Ready has waited long enough, by its own clock.
  const claimAfterMs = said.serviceState === "Ready" ? 0 : record.claimAfterMs;
  service.pods.set(heartbeat.podIndex, isSequenced ? sequenced(row, claimAfterMs) : { ...record, row, claimAfterMs });
  const { generation } = service;
  const writesWorkload = keepWriter(service, row);
  const result = {
    accepted: true,
    ...(generation === undefined ? undefined : { generation }),
    writesWorkload,
  } as const;
  return isPublished ? { result, published: row } : { result };
}

function refusal(row: PodRow, heartbeat: Heartbeat): HeartbeatResult | undefined {
  const found = row.incarnation;
  if (isGoodbye(row)) return { accepted: false, reason: "superseded", found };
  if (row.life === heartbeat.life) {
    if (found !== heartbeat.incarnation) return { accepted: false, reason: "gone", found };
    return heartbeat.reportNumber > row.reportNumber ? undefined : { accepted: false, reason: "ignored", found };
  }
  return { accepted: false, reason: found < heartbeat.incarnation ? "gone" : "superseded", found };
}

/** What callers must hear of at once. */
function changesRouting(row: PodRow, said: PodReport, overloadScore: number): boolean {
  return (
    row.serviceState !== said.serviceState ||
    row.routingState !== said.routingState ||
    row.loadScore >= overloadScore !== said.loadScore >= overloadScore ||
    row.address?.host !== said.address?.host ||
    row.address?.httpPort !== said.address?.httpPort ||
    row.address?.grpcPort !== said.address?.grpcPort
  );
}

/** What callers need in their next reading. */
function movesLoad({ sequencedLoadScore, sequencedLinkCount }: PodRecord, said: PodReport): boolean {
  if (Math.abs(said.loadScore - sequencedLoadScore) >= LOAD_SCORE_STEP) return true;
  const step = Math.max(LINK_COUNT_STEP, sequencedLinkCount * LINK_COUNT_SHARE);
  return Math.abs(said.linkCount - sequencedLinkCount) >= step;
}
