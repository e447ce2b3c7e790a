import type { PodSnapshot } from "@podlink/types";

/** Draws positions of a snapshot in proportion to their weights. Rebuilt when the snapshot changed, else a look-up. */
export class WeightTable {
  #snapshot: PodSnapshot | undefined;
  #version = 0;
  #count = 0;
  #total = 0;
  #uniform = true;
  /** Sums of the weights up to and including each position; unused while all are equal. */
  #sums = new Float64Array(16);

  /** The position that a random number from 0 to 1 falls on. */
  draw(snapshot: PodSnapshot, random: number): number {
    if (snapshot !== this.#snapshot || snapshot.version !== this.#version) this.#build(snapshot);
    return this.#uniform ? (random * this.#count) | 0 : this.#search(random * this.#total);
  }

  #build(snapshot: PodSnapshot): void {
    const { count, weights } = snapshot;
    this.#snapshot = snapshot;
    this.#version = snapshot.version;
    this.#count = count;
    this.#uniform = true;
    for (let position = 1; position < count && this.#uniform; position += 1) {
      this.#uniform = weights[position] === weights[0];
    }
    if (this.#uniform) return;
    if (this.#sums.length < count) this.#sums = new Float64Array(count * 2);
    let total = 0;
    for (let position = 0; position < count; position += 1) {
      total += weights[position]!;
      this.#sums[position] = total;
    }
    this.#total = total;
  }

  /** The first position whose sum is above the value. */
  #search(value: number): number {
    let low = 0;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sums[middle]! > value) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
