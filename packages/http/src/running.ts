import { defer } from "@podlink/types";
import type { PodEnd } from "./ports.ts";

/** Something under way through a proxy. */
export interface UnderWay {
  /** Where it stands among what is under way; kept by {@link Running}. Undefined: it isn't. */
  place: number | undefined;
  /** Ends it at once. */
  cut(): void;
  /** Nothing more will come from these lives of a pod. */
  podEnded(end: PodEnd): void;
}

/** What is under way, so that closing can wait for it and end what takes too long. */
export class Running<T extends UnderWay = UnderWay> {
  /**
   * No Set: one that is filled and emptied all the time leaves its former tables behind, each with what it held and a way
   * to the next. Once one of them is old, the requests of all later ones survive every cheap garbage collection.
   */
  readonly #all: T[] = [];
  #empty: { promise: Promise<void>; resolve: () => void } | undefined;

  get size(): number {
    return this.#all.length;
  }

  add(one: T): void {
    one.place = this.#all.push(one) - 1;
  }

  /** The last one takes its place. Idempotent. */
  delete(one: T): void {
    const { place } = one;
    if (place === undefined) return;
    one.place = undefined;
    const last = this.#all.pop() as T;
    if (last !== one) {
      this.#all[place] = last;
      last.place = place;
    }
    if (this.#all.length === 0) this.#empty?.resolve();
  }

  whenEmpty(): Promise<void> {
    if (this.#all.length === 0) return Promise.resolve();
    this.#empty ??= defer<void>();
    return this.#empty.promise;
  }

  cutAll(): void {
    this.forEach((one) => one.cut());
  }

  /** Each of those that are under way now. */
  forEach(each: (one: T) => void): void {
    for (const one of Array.from(this.#all)) each(one);
  }
}
