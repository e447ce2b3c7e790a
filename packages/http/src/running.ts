import { defer } from "@podlink/types";

/** Something under way that can be ended at once. */
export interface Cuttable {
  cut(): void;
}

/** What is under way, so that closing can wait for it and end what takes too long. */
export class Running {
  readonly #all = new Set<Cuttable>();
  #empty: { promise: Promise<void>; resolve: () => void } | undefined;

  get size(): number {
    return this.#all.size;
  }

  add(one: Cuttable): void {
    this.#all.add(one);
  }

  delete(one: Cuttable): void {
    this.#all.delete(one);
    if (this.#all.size === 0) this.#empty?.resolve();
  }

  whenEmpty(): Promise<void> {
    if (this.#all.size === 0) return Promise.resolve();
    this.#empty ??= defer<void>();
    return this.#empty.promise;
  }

  cutAll(): void {
    for (const one of Array.from(this.#all)) one.cut();
  }
}
