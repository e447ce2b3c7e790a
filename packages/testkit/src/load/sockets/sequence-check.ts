/** What is wrong with the changes that a socket saw. */
export interface SequenceFaults {
  /** Changes that never came, though a later one did. */
  readonly lost: number;
  /** Changes that came again. */
  readonly duplicates: number;
  /** Changes that came after a later one. */
  readonly outOfOrder: number;
  /** Changes that the service itself said are lost. */
  readonly declaredLost: number;
  /** How often the service went back to a lower number: data is gone. */
  readonly setBacks: number;
}

/** Holes are told apart up to this many for each socket; those beyond stay lost. */
const MAX_HOLES = 100;

/** Holds the changes that one socket sees to 1, 2, 3, ... over all its connections. */
export class SequenceCheck {
  /** The highest seen. Absent: none yet. */
  last: number | undefined;
  /** Ranges that were passed over, both ends included: what comes of them later came out of order. */
  #holes: { from: number; to: number }[] = [];
  #lost = 0;
  #duplicates = 0;
  #outOfOrder = 0;
  #declaredLost = 0;
  #setBacks = 0;

  get faults(): SequenceFaults {
    return {
      lost: this.#lost,
      duplicates: this.#duplicates,
      outOfOrder: this.#outOfOrder,
      declaredLost: this.#declaredLost,
      setBacks: this.#setBacks,
    };
  }

  /** A change came. Returns what is wrong with it; absent: it is the next one. */
  change(sequence: number): "after-a-hole" | "out-of-order" | "duplicate" | undefined {
    const expected = (this.last ?? 0) + 1;
    if (sequence >= expected) {
      this.last = sequence;
      if (sequence === expected) return undefined;
      this.#passOver(expected, sequence - 1);
      return "after-a-hole";
    }
    if (this.#fill(sequence)) {
      this.#lost -= 1;
      this.#outOfOrder += 1;
      return "out-of-order";
    }
    this.#duplicates += 1;
    return "duplicate";
  }

  /** The socket is told the changes after this one. Counts only before the first change. */
  from(sequence: number): void {
    this.last ??= sequence;
  }

  /** The service says that `next` is the first change it can tell. */
  gap(next: number): void {
    const expected = (this.last ?? 0) + 1;
    if (next >= expected) this.#declaredLost += next - expected;
    else {
      this.#setBacks += 1;
      this.#holes = []; // of a life that is gone
    }
    this.last = next - 1;
  }

  #passOver(from: number, to: number): void {
    this.#lost += to - from + 1;
    if (this.#holes.length < MAX_HOLES) this.#holes.push({ from, to });
  }

  /** Whether the number was in a hole; it no longer is. */
  #fill(sequence: number): boolean {
    const index = this.#holes.findIndex(({ from, to }) => from <= sequence && sequence <= to);
    const hole = this.#holes[index];
    if (hole === undefined) return false;
    const rest = [
      { from: hole.from, to: sequence - 1 },
      { from: sequence + 1, to: hole.to },
    ].filter(({ from, to }) => from <= to);
    this.#holes.splice(index, 1, ...rest);
    return true;
  }
}
