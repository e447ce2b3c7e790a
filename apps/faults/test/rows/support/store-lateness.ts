const TICK_MS = 10;

/** How much later than asked this process got its turns, summed up: a bound that is contract is asserted with this on top. */
export class Lateness {
  #lateMs = 0;
  #lastMs = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  /** So far, in ms. */
  get totalMs(): number {
    return this.#lateMs;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#lateMs += Math.max(0, nowMs - this.#lastMs - 2 * TICK_MS);
    this.#lastMs = nowMs;
  }
}
