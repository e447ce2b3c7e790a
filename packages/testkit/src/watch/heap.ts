import type { Clock } from "@podlink/types";
import { systemClock } from "@podlink/types";
import { collectGarbage } from "./collect-garbage.ts";
import { Marks } from "./marks.ts";
import type { Watcher, WatcherOptions } from "./violation.ts";
import { ms } from "./violation.ts";

export interface HeapReading {
  /** After a collection of garbage, in bytes. */
  readonly usedBytes: number;
  readonly atMs: number;
}

export interface HeapWatcherOptions extends WatcherOptions {
  /**
   * The bytes in use after a collection; of another process: ask it, in whatever way it offers. Default: this process',
   * which it makes collect its garbage (some 10 ms for each 100 MB).
   */
  readonly read?: () => number | Promise<number>;
}

export interface HeapBound {
  /** So many bytes more are always allowed: a small heap moves by more than its share. Default 0. */
  readonly slackBytes?: number;
}

/** Holds that the heap in use after a collection stays within bounds from mark to mark. */
export class HeapWatcher implements Watcher {
  readonly invariant = "heap";
  readonly #onViolation: WatcherOptions["onViolation"];
  readonly #clock: Clock;
  readonly #read: () => number | Promise<number>;
  readonly #marks = new Marks<HeapReading>();
  readonly #line = new Line();

  constructor({ onViolation, clock = systemClock, read = ownHeap }: HeapWatcherOptions) {
    this.#onViolation = onViolation;
    this.#clock = clock;
    this.#read = read;
  }

  get observed(): number {
    return this.#line.count;
  }

  /** The slope of all readings by least squares. Absent: fewer than two moments. */
  get bytesPerMinute(): number | undefined {
    const slope = this.#line.slope;
    return slope === undefined ? undefined : slope * 60_000;
  }

  /** Reads now and gives the reading a name. @throws RangeError when the name is taken; whatever `read` throws. */
  async mark(name: string): Promise<HeapReading> {
    const reading = await this.sample();
    this.#marks.set(name, reading);
    return reading;
  }

  /** A reading without a name: it counts for the slope. */
  async sample(): Promise<HeapReading> {
    const usedBytes = await this.#read();
    return this.#note({ usedBytes, atMs: this.#clock.nowMs() });
  }

  /** A reading that another process reported of itself. @throws RangeError when the name is taken. */
  record(name: string, reading: HeapReading): void {
    this.#marks.set(name, reading);
    this.#note(reading);
  }

  /** How many times as much is in use at one mark as at another. @throws RangeError for a mark that there isn't. */
  growth(from: string, to: string): number {
    return this.#marks.get(to).usedBytes / this.#marks.get(from).usedBytes;
  }

  /** A violation when more than `ratio` times as much is in use at `to` as at `from`. @throws RangeError for a mark that there isn't. */
  atMost(ratio: number, from: string, to: string, { slackBytes = 0 }: HeapBound = {}): void {
    const before = this.#marks.get(from);
    const after = this.#marks.get(to);
    if (after.usedBytes <= before.usedBytes * ratio + slackBytes) return;
    const message = `the heap grew to ${this.growth(from, to).toFixed(2)} times, allowed ${ratio}: ${text(from, before)}, ${text(to, after)}`;
    this.#accuse(message, { kind: "ratio", ratio, from: before, to: after });
  }

  /** A violation when the readings grow faster. @throws Error when there are fewer than two. */
  slopeAtMost(bytesPerMinute: number): void {
    const slope = this.bytesPerMinute;
    if (slope === undefined) throw new Error("a slope needs two readings at different times");
    if (slope <= bytesPerMinute) return;
    const message = `the heap grows by ${Math.round(slope)} bytes a minute over ${this.observed} readings, allowed ${bytesPerMinute}`;
    this.#accuse(message, { kind: "slope", bytesPerMinute: slope, allowed: bytesPerMinute, readings: this.observed });
  }

  #note(reading: HeapReading): HeapReading {
    this.#line.add(reading.atMs, reading.usedBytes);
    return reading;
  }

  #accuse(message: string, evidence: Readonly<Record<string, unknown>>): void {
    this.#onViolation({ invariant: "heap", atMs: this.#clock.nowMs(), message, evidence });
  }
}

/** The line through points by least squares, by running means: no point is kept. */
class Line {
  count = 0;
  #meanX = 0;
  #meanY = 0;
  #sumXX = 0;
  #sumXY = 0;

  get slope(): number | undefined {
    return this.#sumXX > 0 ? this.#sumXY / this.#sumXX : undefined;
  }

  add(x: number, y: number): void {
    this.count += 1;
    const fromMeanX = x - this.#meanX;
    this.#meanX += fromMeanX / this.count;
    this.#meanY += (y - this.#meanY) / this.count;
    this.#sumXX += fromMeanX * (x - this.#meanX);
    this.#sumXY += fromMeanX * (y - this.#meanY);
  }
}

async function ownHeap(): Promise<number> {
  await collectGarbage();
  return process.memoryUsage().heapUsed;
}

function text(name: string, { usedBytes, atMs }: HeapReading): string {
  return `${usedBytes} bytes at "${name}" (${ms(atMs)})`;
}
