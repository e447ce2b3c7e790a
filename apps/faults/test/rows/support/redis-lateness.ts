const TICK_MS = 10;

/** How much later than asked this process got its turns, summed up: what a busy machine adds to a bound. */
export class Lateness implements Disposable {
  #lateMs = 0;
  #lastMs = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  /** So far, in milliseconds. */
  get totalMs(): number {
    // What this turn itself came late isn't in a tick yet.
    return this.#lateMs + Math.max(0, performance.now() - this.#lastMs - 2 * TICK_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#lateMs += Math.max(0, nowMs - this.#lastMs - 2 * TICK_MS);
    this.#lastMs = nowMs;
  }
}
