import { defer } from "@podlink/types";
import type { PodEnd } from "./ports.ts";

/** Something under way through a proxy. */
export interface UnderWay {
  /** Ends it at once. */
  cut(): void;
  /** Nothing more will come from these lives of a pod. */
  podEnded(end: PodEnd): void;
}

/** What is under way, so that closing can wait for it and end what takes too long. */
export class Running<T extends UnderWay = UnderWay> {
  readonly #all = new Set<T>();
  #empty: { promise: Promise<void>; resolve: () => void } | undefined;

  get size(): number {
    return this.#all.size;
  }

  add(one: T): void {
    this.#all.add(one);
  }

  delete(one: T): void {
    this.#all.delete(one);
    if (this.#all.size === 0) this.#empty?.resolve();
  }

  whenEmpty(): Promise<void> {
    if (this.#all.size === 0) return Promise.resolve();
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
