import type { PodRow } from "@podlink/types";
import { isGoodbye } from "@podlink/types";
import type { PodView } from "./pod-view.ts";

/** All that is known of one pod index. Times are of the caller's monotonic clock. */
export interface PodEntry {
  row: PodRow;
  /** When the row, or the news that it is the newest, arrived. */
  rowAtMs: number;
  /** Whether the pod is shown. Not: its row is gone and its lease is over. */
  listed: boolean;
  /** A complete reading did not have it: silence. */
  missing: boolean;
  /** As the last successful reading had it. */
  silent: boolean;
  /** The latest proof of a report that was written down; readings that don't call it silent prove more. */
  provenAtMs: number;
  /** When silence ended its life. Absent: it lives, or ended otherwise. */
  lapsedAtMs?: number | undefined;
  /** The newest report of the incarnation that was shown: a beat in the future proves only that there was a new one. */
  shownNumber: number;
  firstSeenAtMs: number;
  /** When it registered, as far as can be told: the start of its slow start. */
  bornAtMs: number;
  /** Absent: it is available. */
  notAvailableSinceMs?: number | undefined;
  /** The incarnations before this one that were seen, the oldest first. */
  formerLives: readonly FormerLife[];
  /**
   * As listeners know it. What it says of goodbye, alive, available and routable is what was judged last, which every view of
   * the pod shows; the rest may be older. Absent: not judged yet.
   */
  told?: PodView | undefined;
}

/** A life of a pod index that another one followed. */
interface FormerLife {
  readonly incarnation: number;
  readonly firstSeenAtMs: number;
  /** The last proof of it. */
  readonly provenAtMs: number;
}

/** So many are kept of a pod that restarts again and again; what a link of an older one is owed is long over. */
const FORMER_LIVES_KEPT = 128;

/** An entry for a pod seen for the first time. Until it is judged it counts as lapsed: no freeze keeps a stranger alive. */
export function newEntry(row: PodRow, nowMs: number): PodEntry {
  return {
    row,
    rowAtMs: nowMs,
    listed: true,
    missing: false,
    silent: false,
    provenAtMs: Number.NEGATIVE_INFINITY,
    lapsedAtMs: Number.NEGATIVE_INFINITY,
    shownNumber: -1,
    firstSeenAtMs: nowMs,
    bornAtMs: nowMs,
    formerLives: [],
  };
}

/** Another life of the pod: what was proven, seen and shown of the last one doesn't count for it. */
export function beginLife(entry: PodEntry, row: PodRow, nowMs: number, formerProvenAtMs: number): void {
  const former = {
    incarnation: entry.row.incarnation,
    firstSeenAtMs: entry.firstSeenAtMs,
    provenAtMs: formerProvenAtMs,
  };
  // A store that lost data may know an older life again: those that are not before it are none of its past.
  const before = [...entry.formerLives, former].filter((life) => life.incarnation < row.incarnation);
  entry.formerLives = before.slice(-FORMER_LIVES_KEPT);
  entry.row = row;
  entry.silent = false;
  entry.provenAtMs = Number.NEGATIVE_INFINITY;
  entry.lapsedAtMs = Number.NEGATIVE_INFINITY;
  entry.shownNumber = -1;
  entry.firstSeenAtMs = nowMs;
  entry.bornAtMs = nowMs;
}

/** Whether a row is newer than, or as new as, the one known: pushes and readings may overtake one another. */
export function supersedes(row: PodRow, known: PodRow): boolean {
  if (row.incarnation !== known.incarnation) return row.incarnation > known.incarnation;
  if (row.sequence !== known.sequence) return row.sequence > known.sequence;
  return row.reportNumber >= known.reportNumber;
}

/** What listeners are told about: what the pod says, where it is, and all that is judged of it. */
export function looksTheSame(one: PodView, other: PodView): boolean {
  return (
    one.goodbye === other.goodbye &&
    one.alive === other.alive &&
    one.available === other.available &&
    one.routable === other.routable &&
    one.row.incarnation === other.row.incarnation &&
    one.row.serviceState === other.row.serviceState &&
    one.row.routingState === other.row.routingState &&
    one.row.address?.host === other.row.address?.host &&
    one.row.address?.httpPort === other.row.address?.httpPort &&
    one.row.address?.grpcPort === other.row.address?.grpcPort
  );
}

/** Whether silence can still end the pod's life. */
export function canLapse(entry: PodEntry): boolean {
  return entry.listed && entry.silent && entry.lapsedAtMs === undefined && !isGoodbye(entry.row);
}
