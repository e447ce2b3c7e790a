import type { PodRow } from "@podlink/types";
import type { PodPositions } from "./pod-view.ts";

const FIRST_CAPACITY = 16;

/** Some pods of a service as arrays that are kept up to date: putting or removing one touches only its own place. */
export class PodSet implements PodPositions {
  version = 0;
  count = 0;
  podIndexes: Uint16Array<ArrayBuffer> = new Uint16Array(FIRST_CAPACITY);
  incarnations: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  reportNumbers: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  loadScores: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  linkCounts: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  weights: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  warmths: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  readonly #positions = new Map<number, number>();

  has(podIndex: number): boolean {
    return this.#positions.has(podIndex);
  }

  positionOf(podIndex: number): number | undefined {
    return this.#positions.get(podIndex);
  }

  put(row: PodRow, warmth: number): void {
    let position = this.#positions.get(row.podIndex);
    if (position === undefined) {
      position = this.count;
      if (position === this.podIndexes.length) this.#grow();
      this.count += 1;
      this.#positions.set(row.podIndex, position);
    }
    this.podIndexes[position] = row.podIndex;
    this.incarnations[position] = row.incarnation;
    this.reportNumbers[position] = row.reportNumber;
    this.loadScores[position] = row.loadScore;
    this.linkCounts[position] = row.linkCount;
    this.weights[position] = row.weight;
    this.warmths[position] = warmth;
    this.version += 1;
  }

  warm(podIndex: number, warmth: number): void {
    const position = this.#positions.get(podIndex);
    if (position === undefined) return;
    this.warmths[position] = warmth;
    this.version += 1;
  }

  remove(podIndex: number): void {
    const position = this.#positions.get(podIndex);
    if (position === undefined) return;
    const last = this.count - 1;
    const moved = this.podIndexes[last]!;
    for (const values of this.#columns()) values[position] = values[last]!;
    this.#positions.set(moved, position);
    this.#positions.delete(podIndex);
    this.count = last;
    this.version += 1;
  }

  #columns(): (Uint16Array | Float64Array)[] {
    const { podIndexes, incarnations, reportNumbers, loadScores, linkCounts, weights, warmths } = this;
    return [podIndexes, incarnations, reportNumbers, loadScores, linkCounts, weights, warmths];
  }

  #grow(): void {
    const capacity = this.podIndexes.length * 2;
    const podIndexes = new Uint16Array(capacity);
    podIndexes.set(this.podIndexes);
    this.podIndexes = podIndexes;
    this.incarnations = extended(this.incarnations, capacity);
    this.reportNumbers = extended(this.reportNumbers, capacity);
    this.loadScores = extended(this.loadScores, capacity);
    this.linkCounts = extended(this.linkCounts, capacity);
    this.weights = extended(this.weights, capacity);
    this.warmths = extended(this.warmths, capacity);
  }
}

function extended(from: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(capacity);
  to.set(from);
  return to;
}
