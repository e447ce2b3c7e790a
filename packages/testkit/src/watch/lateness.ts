const TICK_MS = 10;

/**
 * How much later than asked this process got its turns since this was made, summed up: what a busy machine took from it. A
 * bound that is contract is asserted with this on top; on a quiet machine it is a few milliseconds. Measures until it is
 * disposed of.
 */
export class Lateness implements Disposable {
  #lateMs = 0;
  #lastMs = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  /** So far, in milliseconds, what this turn itself came late included. */
  get totalMs(): number {
    return this.#lateMs + this.#lateNowMs(performance.now());
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#tick();
    this.#lastMs = Infinity;
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#lateMs += this.#lateNowMs(nowMs);
    this.#lastMs = nowMs;
  }

  /** A timer may be a tick late by nature. */
  #lateNowMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#lastMs - 2 * TICK_MS);
  }
}
