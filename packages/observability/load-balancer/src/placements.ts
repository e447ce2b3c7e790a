import type { PodSnapshot } from "@podlink/types";
import type { Chance } from "./chance.ts";

/** The estimate of callers follows about so many of the latest reports. */
const REPORTS_REMEMBERED = 32;
/** How much evidence outweighs the assumption that this caller is the only one. */
const ASSUMED_PLACEMENTS = 4;

/** Where what stands in the record of a pod: all that a choice looks at lies together, in 64 bytes. */
const LOOK = 0;
const LINKS = 1;
const COST_OF_A_LINK = 2;
const SINCE_REPORT = 3;
const CARRIED = 4;
const WARMTH = 5;
const REPORT_NUMBER = 6;
const INCARNATION = 7;
const RECORD = 8;
/** As a mask: then V8 knows that no place in the records is too large for a small whole number, and checks none for it. */
const LAST_POD_INDEX = 0xffff;

/**
 * What a link on each pod costs: its reported links and load, and what this caller placed there that the reported count
 * doesn't contain yet.
 *
 * A report is older than its arrival: some of the placements made since the report before it are in its count, some are
 * not. How many are is read from the growth of the count. The rest is carried until the report after, which has them.
 */
export class Placements {
  readonly #chance: Chance;
  /** A record for each pod, by pod index. */
  #records = new Float64Array(16 * RECORD);
  /** Grows with every new version of what is looked at: a record of an older look is read anew before it counts. */
  #look = 0;
  /** The least of the pods that were read since that look: at 1 all are warm, and no two need to be compared. */
  #leastWarmth = 1;
  #grown = 0;
  #placed = 0;
  /** How many callers place on these pods, as far as their counts grow faster than this caller places. At least 1. */
  #callers = 1;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** To be called before the pods of another snapshot, or of another version of it, are asked for. */
  lookAgain(): void {
    this.#look += 1;
    this.#leastWarmth = 1;
  }

  /**
   * Places on the cheaper of two positions, which it answers; of two that are not as warm, the colder one is passed over in
   * as many of its turns as it is colder.
   *
   * One function on purpose, and no branch where it is decided: calls within it, and a branch that nobody can predict, the
   * processor neither, cost as much as all the rest. (Math.max of two places would be such a branch.)
   */
  placeOnOneOf(snapshot: PodSnapshot, first: number, second: number): number {
    const one = (snapshot.podIndexes[first]! & LAST_POD_INDEX) * RECORD;
    const other = (snapshot.podIndexes[second]! & LAST_POD_INDEX) * RECORD;
    let records = this.#records;
    const look = this.#look;
    // Nothing is read beyond the end: V8 would expect it ever after, and make an object of each number that it reads.
    const isThere = one < records.length && other < records.length;
    if (!isThere || records[one + LOOK] !== look || records[other + LOOK] !== look) {
      // Both, before a cold one is passed over: each takes over its newest report.
      this.#take(snapshot, first);
      this.#take(snapshot, second);
      records = this.#records;
    }
    const callers = this.#callers;
    const placed = (records[one + SINCE_REPORT]! + records[one + CARRIED]!) * callers;
    const otherPlaced = (records[other + SINCE_REPORT]! + records[other + CARRIED]!) * callers;
    const cost = (records[one + LINKS]! + placed + 1) * records[one + COST_OF_A_LINK]!;
    const otherCost = (records[other + LINKS]! + otherPlaced + 1) * records[other + COST_OF_A_LINK]!;
    let takesOther = +(otherCost < cost);
    const isOneColder = this.#leastWarmth < 1 && records[one + WARMTH] !== records[other + WARMTH];
    if (isOneColder) takesOther = this.#warmer(one, other) ?? takesOther;
    const stays = takesOther - 1; // no bit, or all: of those in which the two differ
    records[(other ^ ((one ^ other) & stays)) + SINCE_REPORT]! += 1;
    return second ^ ((first ^ second) & stays);
  }

  /** Places on this position. */
  placeOn(snapshot: PodSnapshot, position: number): number {
    this.#records[this.#take(snapshot, position) + SINCE_REPORT]! += 1;
    return position;
  }

  /** One that was placed there went elsewhere. */
  takeBack(podIndex: number): void {
    const at = podIndex * RECORD;
    const placed = this.#records[at + SINCE_REPORT];
    if (placed === undefined) return;
    if (placed > 0) this.#records[at + SINCE_REPORT] = placed - 1;
    else if (this.#records[at + CARRIED]! >= 1) this.#records[at + CARRIED]! -= 1;
  }

  /** 1: the other one is taken, since this one is passed over; 0: this one is. Undefined: neither is passed over. */
  #warmer(one: number, other: number): number | undefined {
    const warmth = this.#records[one + WARMTH]!;
    const otherWarmth = this.#records[other + WARMTH]!;
    const share = Math.min(warmth, otherWarmth) / Math.max(warmth, otherWarmth);
    return this.#chance.fraction() < share ? undefined : +(otherWarmth > warmth);
  }

  /** Reads the record anew; answers where it is. */
  #take(snapshot: PodSnapshot, position: number): number {
    const podIndex = snapshot.podIndexes[position]! & LAST_POD_INDEX;
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
    const warmth = snapshot.warmths[position]!;
    records[at + WARMTH] = warmth;
    if (warmth < this.#leastWarmth) this.#leastWarmth = warmth;
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
