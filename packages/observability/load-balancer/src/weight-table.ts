import type { PodSnapshot } from "@podlink/types";

/** Draws positions of a snapshot in proportion to their weights. */
export class WeightTable {
  /** Whether all weights are equal: then any position is as good as another, and nothing is kept. */
  uniform = true;
  #count = 0;
  #total = 0;
  /** Sums of the weights up to and including each position; unused while all are equal. */
  #sums = new Float64Array(16);

  /** To be called before positions of another snapshot, or of another version of it, are drawn. */
  take({ count, weights }: PodSnapshot): void {
    this.#count = count;
    this.uniform = true;
    for (let position = 1; position < count && this.uniform; position += 1) {
      this.uniform = weights[position] === weights[0];
    }
    if (this.uniform) return;
    if (this.#sums.length < count) this.#sums = new Float64Array(count * 2);
    let total = 0;
    for (let position = 0; position < count; position += 1) {
      total += weights[position]!;
      this.#sums[position] = total;
    }
    this.#total = total;
  }

  /** The position that a random number from 0 to 1 falls on, where weights differ: the first whose sum is above it. */
  draw(random: number): number {
    const value = random * this.#total;
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
