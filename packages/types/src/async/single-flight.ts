/** Calls with the same key at the same time share one run. */
export class SingleFlight<K, T> {
  readonly #running = new Map<K, Promise<T>>();

  /** How many keys have a run under way. */
  get size(): number {
    return this.#running.size;
  }

  /** The run under way for a key. Absent: none. */
  current(key: K): Promise<T> | undefined {
    return this.#running.get(key);
  }

  /** Later calls start a run of their own; those that joined this one still get its answer. */
  drop(key: K): void {
    this.#running.delete(key);
  }

  /** Joins the run under way for the key, or starts `work`. */
  run(key: K, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const flight = work();
    this.#running.set(key, flight);
    const land = (): void => {
      if (this.#running.get(key) === flight) this.#running.delete(key);
    };
    flight.then(land, land);
    return flight;
  }
}
