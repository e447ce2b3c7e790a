import type { Clock, Timer } from "@podlink/types";
import { RouteError, sleep } from "@podlink/types";

/** The first wait after a reading that failed; it doubles with each that follows, up to the period. */
const FIRST_RETRY_MS = 100;
/** The shortest time from a failure to the next reading, however many ask: a store that is down is not hammered. */
const LEAST_PAUSE_MS = 25;

export interface ReadingLoopParts {
  /** One reading, from its beginning to its taking over; rejects when it failed. Settles in time. */
  readonly read: () => Promise<void>;
  readonly periodMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Aborted when the readings are to end. */
  readonly signal: AbortSignal;
}

/** Makes readings: one at a time, shared by all who wait for one, and again and again once started. */
export class ReadingLoop {
  readonly #parts: ReadingLoopParts;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #started = false;
  #failures = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ReadingLoopParts) {
    this.#parts = parts;
  }

  /** From now on readings repeat: every period, a little less for each caller; sooner, with doubling waits, after a failure. */
  start(): void {
    this.#started = true;
  }

  /** A successful reading that begins after this call; all who ask before it begins share it. Rejects when it fails. */
  next(): Promise<void> {
    if (this.#parts.signal.aborted) return Promise.reject(closed());
    this.#queued ??= this.#follow(this.#running);
    return this.#queued;
  }

  /** Reads within `delayMs`, unless that happens anyway. */
  soon(delayMs: number): void {
    if (this.#started) this.#schedule(delayMs);
  }

  /** Ends the repetition and its timer. Idempotent. */
  stop(): void {
    this.#started = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  async #follow(running: Promise<void> | undefined): Promise<void> {
    // Also without one under way: whoever asks in the same turn joins.
    await running?.catch(() => undefined);
    const { clock, signal } = this.#parts;
    const pauseMs = this.#failedAtMs + LEAST_PAUSE_MS - clock.nowMs();
    if (pauseMs > 0) await sleep(pauseMs, { clock, signal });
    this.#queued = undefined;
    if (signal.aborted) throw closed();
    this.#running = this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    try {
      await this.#parts.read();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#failedAtMs = this.#parts.clock.nowMs();
      throw error;
    } finally {
      this.#running = undefined;
      if (this.#started) this.#schedule(this.#pauseMs());
    }
  }

  #pauseMs(): number {
    const { periodMs, random } = this.#parts;
    if (this.#failures === 0) return periodMs * (0.9 + 0.1 * random());
    // Never later than a period: when the store is back, callers are back within it, and not all at once.
    const waitMs = Math.min(periodMs, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 20));
    return waitMs * (0.5 + 0.5 * random());
  }

  #schedule(delayMs: number): void {
    const { clock, signal } = this.#parts;
    const atMs = clock.nowMs() + delayMs;
    if (signal.aborted || atMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = clock.setTimer(delayMs, () => {
      // Whoever waits for the reading hears of its failure; the loop itself goes on.
      this.next().catch(() => undefined);
    });
  }
}

function closed(): RouteError {
  return new RouteError("CLOSED", "the state cache was closed");
}
