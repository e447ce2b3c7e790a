/** How many entries each write looks at: more than one, so that garbage is found faster than it can be made. */
const LOOKS_PER_WRITE = 3;

/** Frees what is expired in a map, a few entries in turn at each write: no timer, no pause, no unbounded growth. */
export class BoundedSweep<K, V> {
  readonly #entries: Map<K, V>;
  readonly #sweep: (key: K, value: V, nowMs: number) => void;
  #rest: Iterator<[K, V]> | undefined;

  /** @param sweep drops from the map, or from within the value, what is over at `nowMs`. */
  constructor(entries: Map<K, V>, sweep: (key: K, value: V, nowMs: number) => void) {
    this.#entries = entries;
    this.#sweep = sweep;
  }

  afterWrite(nowMs: number): void {
    for (let looks = 0; looks < LOOKS_PER_WRITE; looks += 1) {
      this.#rest ??= this.#entries.entries();
      const next = this.#rest.next();
      if (next.done === true) {
        this.#rest = undefined; // from the beginning at the next write
        return;
      }
      this.#sweep(next.value[0], next.value[1], nowMs);
    }
  }
}
