import type { PodSnapshot } from "@podlink/types";

/** The estimate of callers follows about so many of the latest reports. */
const REPORTS_REMEMBERED = 32;
/** How much evidence outweighs the assumption that this caller is the only one. */
const ASSUMED_PLACEMENTS = 4;

/**
 * What this caller placed on each pod that the pod's reported link count doesn't contain yet.
 *
 * A report is older than its arrival: some of the placements made since the report before it are in its count, some are
 * not. How many are is read from the growth of the count. The rest is carried until the report after, which has them.
 */
export class Placements {
  /** By pod index. */
  #sinceReport = new Float64Array(16);
  #carried = new Float64Array(16);
  #reportNumber = new Float64Array(16);
  #incarnation = new Float64Array(16);
  #linkCount = new Float64Array(16);
  #grown = 0;
  #placed = 0;
  /** How many callers place on these pods, as far as their counts grow faster than this caller places. At least 1. */
  #callers = 1;

  /** Links that the pod at this position got, or is about to get, beyond its reported count. */
  unreported(snapshot: PodSnapshot, position: number): number {
    const podIndex = snapshot.podIndexes[position]!;
    if (podIndex >= this.#sinceReport.length) this.#grow(podIndex);
    if (
      this.#reportNumber[podIndex] !== snapshot.reportNumbers[position] ||
      this.#incarnation[podIndex] !== snapshot.incarnations[position]
    ) {
      this.#takeReport(snapshot, position, podIndex);
    }
    return (this.#sinceReport[podIndex]! + this.#carried[podIndex]!) * this.#callers;
  }

  /** One more was placed on that pod. */
  add(podIndex: number): void {
    if (podIndex >= this.#sinceReport.length) this.#grow(podIndex);
    this.#sinceReport[podIndex]! += 1;
  }

  /** One that was placed there went elsewhere. */
  takeBack(podIndex: number): void {
    const placed = this.#sinceReport[podIndex];
    if (placed === undefined) return;
    if (placed > 0) this.#sinceReport[podIndex] = placed - 1;
    else if (this.#carried[podIndex]! >= 1) this.#carried[podIndex]! -= 1;
  }

  #takeReport(snapshot: PodSnapshot, position: number, podIndex: number): void {
    const linkCount = snapshot.linkCounts[position]!;
    const placed = this.#sinceReport[podIndex]!;
    if (this.#incarnation[podIndex] === snapshot.incarnations[position]) {
      const grown = Math.max(0, linkCount - this.#linkCount[podIndex]!);
      this.#estimate(grown, placed);
      const contained = grown / this.#callers;
      this.#carried[podIndex] = Math.min(placed, Math.max(0, placed + this.#carried[podIndex]! - contained));
    } else {
      this.#carried[podIndex] = 0; // another life starts without our placements
    }
    this.#sinceReport[podIndex] = 0;
    this.#linkCount[podIndex] = linkCount;
    this.#reportNumber[podIndex] = snapshot.reportNumbers[position]!;
    this.#incarnation[podIndex] = snapshot.incarnations[position]!;
  }

  #estimate(grown: number, placed: number): void {
    const kept = 1 - 1 / REPORTS_REMEMBERED;
    this.#grown = this.#grown * kept + grown;
    this.#placed = this.#placed * kept + placed;
    // The sums fade, the assumption stays: a caller that places nothing divides by it.
    this.#callers = Math.max(1, (this.#grown + ASSUMED_PLACEMENTS) / (this.#placed + ASSUMED_PLACEMENTS));
  }

  #grow(podIndex: number): void {
    const length = Math.max(podIndex + 1, this.#sinceReport.length * 2);
    this.#sinceReport = extended(this.#sinceReport, length);
    this.#carried = extended(this.#carried, length);
    this.#reportNumber = extended(this.#reportNumber, length);
    this.#incarnation = extended(this.#incarnation, length);
    this.#linkCount = extended(this.#linkCount, length);
  }
}

function extended(from: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(length);
  to.set(from);
  return to;
}
