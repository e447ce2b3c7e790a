import type { PodSnapshot } from "@podlink/types";

/** The estimate of callers follows about so many of the latest reports. */
const REPORTS_REMEMBERED = 32;
/** How much evidence outweighs the assumption that this caller is the only one. */
const ASSUMED_PLACEMENTS = 4;

/** Where what stands in the record of a pod: all that a choice looks at lies together, in one line of the processor's cache. */
const LOOK = 0;
const LINKS = 1;
const COST_OF_A_LINK = 2;
const SINCE_REPORT = 3;
const CARRIED = 4;
const WARMTH = 5;
const REPORT_NUMBER = 6;
const INCARNATION = 7;
const RECORD = 8;

/**
 * What a link on each pod costs: its reported links and load, and what this caller placed there that the reported count
 * doesn't contain yet.
 *
 * A report is older than its arrival: some of the placements made since the report before it are in its count, some are
 * not. How many are is read from the growth of the count. The rest is carried until the report after, which has them.
 */
export class Placements {
  /** A record for each pod, by pod index. */
  #records = new Float64Array(16 * RECORD);
  /** Grows with every new version of what is looked at: a record of an older look is read anew before it counts. */
  #look = 0;
  #grown = 0;
  #placed = 0;
  /** How many callers place on these pods, as far as their counts grow faster than this caller places. At least 1. */
  #callers = 1;

  /** To be called before the pods of another snapshot, or of another version of it, are asked for. */
  lookAgain(): void {
    this.#look += 1;
  }

  /** Where the record of the pod at this position is, up to date; for the questions below. */
  recordOf(snapshot: PodSnapshot, position: number): number {
    const at = (snapshot.podIndexes[position]! | 0) * RECORD;
    return this.#records[at] === this.#look ? at : this.#take(snapshot, position);
  }

  /** What one more link costs there. */
  cost(record: number): number {
    const records = this.#records;
    const placed = (records[record + SINCE_REPORT]! + records[record + CARRIED]!) * this.#callers;
    return (records[record + LINKS]! + placed + 1) * records[record + COST_OF_A_LINK]!;
  }

  warmth(record: number): number {
    return this.#records[record + WARMTH]!;
  }

  /** One more was placed there. */
  add(record: number): void {
    this.#records[record + SINCE_REPORT]! += 1;
  }

  /** One that was placed there went elsewhere. */
  takeBack(podIndex: number): void {
    const at = podIndex * RECORD;
    const placed = this.#records[at + SINCE_REPORT];
    if (placed === undefined) return;
    if (placed > 0) this.#records[at + SINCE_REPORT] = placed - 1;
    else if (this.#records[at + CARRIED]! >= 1) this.#records[at + CARRIED]! -= 1;
  }

  /** Reads the record anew; answers where it is. */
  #take(snapshot: PodSnapshot, position: number): number {
    const podIndex = snapshot.podIndexes[position]! | 0;
    const at = podIndex * RECORD;
    if (at >= this.#records.length) this.#grow(podIndex);
    const records = this.#records;
    const isKnown =
      records[at + REPORT_NUMBER] === snapshot.reportNumbers[position] &&
      records[at + INCARNATION] === snapshot.incarnations[position];
    if (!isKnown) this.#takeReport(snapshot, position, at);
    records[at + LOOK] = this.#look;
    records[at + LINKS] = snapshot.linkCounts[position]!;
    records[at + COST_OF_A_LINK] = (1 + snapshot.loadScores[position]! / 100) / snapshot.weights[position]!;
    records[at + WARMTH] = snapshot.warmths[position]!;
    return at;
  }

  #takeReport(snapshot: PodSnapshot, position: number, at: number): void {
    const records = this.#records;
    const placed = records[at + SINCE_REPORT]!;
    if (records[at + INCARNATION] === snapshot.incarnations[position]) {
      const grown = Math.max(0, snapshot.linkCounts[position]! - records[at + LINKS]!);
      this.#estimate(grown, placed);
      const contained = grown / this.#callers;
      records[at + CARRIED] = Math.min(placed, Math.max(0, placed + records[at + CARRIED]! - contained));
    } else {
      records[at + CARRIED] = 0; // another life starts without our placements
    }
    records[at + SINCE_REPORT] = 0;
    records[at + REPORT_NUMBER] = snapshot.reportNumbers[position]!;
    records[at + INCARNATION] = snapshot.incarnations[position]!;
  }

  #estimate(grown: number, placed: number): void {
    const kept = 1 - 1 / REPORTS_REMEMBERED;
    this.#grown = this.#grown * kept + grown;
    this.#placed = this.#placed * kept + placed;
    // The sums fade, the assumption stays: a caller that places nothing divides by it.
    this.#callers = Math.max(1, (this.#grown + ASSUMED_PLACEMENTS) / (this.#placed + ASSUMED_PLACEMENTS));
  }

  #grow(podIndex: number): void {
    const records = new Float64Array(Math.max((podIndex + 1) * RECORD, this.#records.length * 2));
    records.set(this.#records);
    this.#records = records;
  }
}
