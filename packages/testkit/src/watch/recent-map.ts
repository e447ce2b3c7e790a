/** A map that stays small: beyond `limit` entries the one that was not used for longest is forgotten. */
export class RecentMap<K, V> {
  readonly #limit: number;
  readonly #entries = new Map<K, V>();
  #newest: K | undefined;
  #forgotten = 0;

  /** @param limit the most entries, at least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many entries were dropped to stay within the limit. */
  get forgotten(): number {
    return this.#forgotten;
  }

  keys(): IterableIterator<K> {
    return this.#entries.keys();
  }

  /** The entry, which counts as used now. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined && key !== this.#newest) this.#put(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#put(key, value);
    if (this.#entries.size <= this.#limit) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest as K);
    this.#forgotten += 1;
  }

  /** Forgotten because it was asked for: not counted. */
  delete(key: K): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  #put(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#newest = key;
  }
}
