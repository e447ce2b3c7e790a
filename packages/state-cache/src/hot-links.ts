import type { Link } from "@podlink/types";

/**
 * The Link objects, and the promises of them, of the entries that were asked for last: one place for each slot modulo
 * their number, so that finding one is an array read. Without a place for it, a link is made anew each time.
 */
export class HotLinks {
  readonly #size: number;
  readonly #slots: Int32Array;
  readonly #links: (Link | undefined)[] = [];
  readonly #promises: (Promise<Link> | undefined)[] = [];

  constructor(size: number) {
    this.#size = size;
    this.#slots = new Int32Array(size).fill(-1);
  }

  get(slot: number): Link | undefined {
    const place = slot % this.#size; // NaN when there is no place: reads undefined
    return this.#slots[place] === slot ? this.#links[place] : undefined;
  }

  promise(slot: number): Promise<Link> | undefined {
    const place = slot % this.#size;
    return this.#slots[place] === slot ? this.#promises[place] : undefined;
  }

  keep(slot: number, link: Link): void {
    if (this.#size === 0) return;
    const place = slot % this.#size;
    this.#slots[place] = slot;
    this.#links[place] = link;
    this.#promises[place] = undefined;
  }

  /** Keeps the promise beside the link of the slot, if that is kept. */
  keepPromise(slot: number, promise: Promise<Link>): void {
    const place = slot % this.#size;
    if (this.#slots[place] === slot) this.#promises[place] = promise;
  }

  drop(slot: number): void {
    const place = slot % this.#size;
    if (this.#slots[place] !== slot) return;
    this.#slots[place] = -1;
    this.#links[place] = undefined;
    this.#promises[place] = undefined;
  }
}
