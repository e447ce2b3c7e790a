import type { Clock } from "@podlink/types";
import { keepAliveUntil, sleep, systemClock } from "@podlink/types";
import { Marks } from "./marks.ts";
import type { OpenCounts } from "./open-counts.ts";
import { activeResources } from "./open-counts.ts";
import type { Watcher, WatcherOptions } from "./violation.ts";
import { ms } from "./violation.ts";

export interface HandleWatcherOptions extends WatcherOptions {
  /** What is open, by type. Default: what keeps this process running. See also `resourcesFromNow`, `openFilesOf`. */
  readonly read?: () => OpenCounts | Promise<OpenCounts>;
}

export interface NoMoreOptions {
  /** How long things may take to close, in milliseconds. Default 1000. */
  readonly withinMs?: number;
  /** Types that don't count. Default: none. */
  readonly ignore?: readonly string[];
}

interface HandleReading {
  readonly atMs: number;
  readonly counts: OpenCounts;
}

const LOOK_EVERY_MS = 10;

/** Holds that no more is open in the end than at a mark, type by type. */
export class HandleWatcher implements Watcher {
  readonly invariant = "handles";
  readonly #onViolation: WatcherOptions["onViolation"];
  readonly #clock: Clock;
  readonly #source: () => OpenCounts | Promise<OpenCounts>;
  readonly #marks = new Marks<HandleReading>();
  #observed = 0;

  constructor({ onViolation, clock = systemClock, read = activeResources }: HandleWatcherOptions) {
    this.#onViolation = onViolation;
    this.#clock = clock;
    this.#source = read;
  }

  get observed(): number {
    return this.#observed;
  }

  /** Counts what is open now and gives it a name. @throws RangeError when the name is taken; whatever `read` throws. */
  async mark(name: string): Promise<OpenCounts> {
    const reading = await this.#read();
    this.#marks.set(name, reading);
    return reading.counts;
  }

  /**
   * Looks until no type has more than at the mark; where one still has by the limit, it is a violation, and this resolves
   * all the same. Fewer are none. @throws RangeError for a mark that there isn't; whatever `read` throws.
   */
  async noMore(than: string, options: NoMoreOptions = {}): Promise<void> {
    return keepAliveUntil(this.#noMore(than, options));
  }

  async #noMore(than: string, { withinMs = 1000, ignore = [] }: NoMoreOptions): Promise<void> {
    const before = this.#marks.get(than);
    const startedMs = this.#clock.nowMs();
    for (;;) {
      const now = await this.#read();
      const more = Object.keys(now.counts).filter(
        (type) => !ignore.includes(type) && (now.counts[type] ?? 0) > (before.counts[type] ?? 0),
      );
      if (more.length === 0) return;
      if (now.atMs - startedMs >= withinMs) {
        this.#accuse(than, before, now, more);
        return;
      }
      await sleep(LOOK_EVERY_MS, { clock: this.#clock });
    }
  }

  async #read(): Promise<HandleReading> {
    const counts = await this.#source();
    this.#observed += 1;
    return { counts, atMs: this.#clock.nowMs() };
  }

  #accuse(than: string, before: HandleReading, now: HandleReading, more: readonly string[]): void {
    const types = more.map((type) => `${type} ${before.counts[type] ?? 0} then, ${now.counts[type] ?? 0} now`);
    const message = `more is open at ${ms(now.atMs)} than at "${than}" (${ms(before.atMs)}): ${types.join("; ")}`;
    const evidence = { before: before.counts, now: now.counts, more };
    this.#onViolation({ invariant: "handles", atMs: now.atMs, message, evidence });
  }
}
