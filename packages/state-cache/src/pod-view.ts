import type { PodRow, PodSnapshot } from "@podlink/types";

/** A pod as this caller sees it at one moment. Times are of the caller's monotonic clock. */
export interface PodView {
  readonly row: PodRow;
  /** The latest proof that it reported: its last report is not older. */
  readonly lastReportAtMs: number;
  /** When silence ends (or ended) its life. Infinity: not before another reading says that it is silent. */
  readonly leaseOverAtMs: number;
  /** Since when it has not been available, alive or not, counted across its incarnations. Absent: it is. */
  readonly notAvailableSinceMs?: number;
  /** When this caller first saw this incarnation. */
  readonly firstSeenAtMs: number;
  /** It left in an orderly way and does not come back under this incarnation. */
  readonly goodbye: boolean;
  readonly alive: boolean;
  readonly available: boolean;
  readonly routable: boolean;
  /** 0 to 1: below 1 in its slow start; the share of its turns that it is offered. */
  readonly warmth: number;
}

/** What changed about a pod: its incarnation, states, address, or whether it is alive, available or routable. */
export interface PodChange {
  readonly podIndex: number;
  /** As it was told last. Absent: seen for the first time. */
  readonly previous?: PodView;
  /** As it is. A pod that vanished is told as it was last known, not alive. */
  readonly current: PodView;
}

/** A snapshot that can be asked where a pod is in it. */
export interface PodPositions extends PodSnapshot {
  /** The position of the pod, until the next change. Undefined: it is not in the snapshot. */
  positionOf(podIndex: number): number | undefined;
}
