import { sleep } from "@podlink/types";
import type { HandOverParts } from "./hand-over.ts";
import { handOverOnce } from "./hand-over.ts";
import { TimeLimit } from "./time-limit.ts";

/** Before a round that moved nobody is repeated. */
const RETRY_MS = 50;

/** The orderly part of a pod's way out: from the news that it takes nothing new to the moment its guard closes. */
export class Drain {
  readonly #parts: HandOverParts;
  readonly #limit: TimeLimit;
  readonly #hurried = new AbortController();

  constructor(parts: HandOverParts) {
    this.#parts = parts;
    this.#limit = new TimeLimit(parts.context.clock);
  }

  /**
   * Waits for the news to travel, then hands off all that is held. Resolves when nothing is held or the time is up. Never
   * rejects.
   * @param timeMs the time for all of it.
   * @param publish tells the others that this pod takes nothing new.
   */
  async run(timeMs: number, publish: () => Promise<void>): Promise<void> {
    const { context, table } = this.#parts;
    const { clock, settings } = context;
    this.#within(timeMs);
    context.event({ kind: "drain", phase: "started", links: table.size });
    const propagated = sleep(settings.propagationMs, {
      clock,
      signal: AbortSignal.any([this.#limit.signal, this.#hurried.signal]),
    });
    await this.#unlessOver(Promise.all([publish(), propagated]));
    context.event({ kind: "drain", phase: "moving", links: table.size });
    const options = {
      ratePerSecond: () => this.#ratePerSecond(),
      whenNobody: "leave",
      signal: this.#limit.signal,
      hurried: this.#hurried.signal,
    } as const;
    // What is taken meanwhile, because nobody else could, is handed off in the next round.
    while (table.size > 0 && !this.#limit.signal.aborted) {
      const before = table.size;
      await this.#unlessOver(handOverOnce(this.#parts, options));
      if (table.size >= before) await sleep(RETRY_MS, { clock, signal: this.#limit.signal });
    }
    this.end();
  }

  /** No more waiting for the news, no pace; over after what one hand-off takes, or sooner. */
  hurry(timeMs: number): void {
    this.#hurried.abort();
    this.#within(Math.min(this.#parts.context.settings.handOffTimeoutMs, timeMs));
  }

  /** The time is up. Idempotent. */
  end(): void {
    this.#limit.end();
  }

  #within(timeMs: number): void {
    this.#limit.within(timeMs);
    this.#parts.handOffs.within(this.#limit.leftMs);
  }

  #ratePerSecond(): number {
    const { context, table } = this.#parts;
    const { drainRatePerSecond, handOffTimeoutMs } = context.settings;
    // The last one to begin needs time to end.
    const leftMs = this.#limit.leftMs - handOffTimeoutMs;
    return Math.max(drainRatePerSecond, (table.size * 1000) / Math.max(leftMs, 100));
  }

  async #unlessOver(work: Promise<unknown>): Promise<void> {
    const { signal } = this.#limit;
    if (signal.aborted) return;
    let stopWaiting!: () => void;
    const over = new Promise<void>((resolve) => (stopWaiting = resolve));
    signal.addEventListener("abort", stopWaiting, { once: true });
    await Promise.race([work, over]);
    signal.removeEventListener("abort", stopWaiting);
  }
}
