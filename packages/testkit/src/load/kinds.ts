/** Counts things by a text; so many kinds are told apart, what comes later is `others`. */
export class Kinds {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  constructor(max = 50) {
    this.#max = max;
  }

  add(kind: string): void {
    const known = this.#counts.has(kind) || this.#counts.size < this.#max ? kind : "others";
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + 1);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
