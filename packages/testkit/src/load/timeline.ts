import type { Counts, RequestEnd } from "./figures.ts";
import { RequestCounts } from "./figures.ts";
import { Latencies } from "./latencies.ts";

/** The requests that were due in one slot of time. */
export interface TimelineRow extends Counts {
  /** When the slot began, in milliseconds from the start. */
  readonly atMs: number;
  /** From due to acknowledgement. Absent: none was acknowledged. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly maxMs?: number;
}

/** So many rows are kept, the newest: 5 hours of seconds. */
const MAX_ROWS = 20_000;

interface Slot {
  readonly counts: RequestCounts;
  /** Of what was acknowledged. Absent: nothing was. */
  latencies?: Latencies;
}

/**
 * What happened when: a row for each slot in which a request was due. A request belongs to the slot in which it was due,
 * whenever it ends, so a row's numbers add up and a stall shows where its victims arrived.
 */
export class Timeline {
  readonly #slotMs: number;
  /** Slots that may still change; their distributions are let go of when they can't. */
  readonly #open = new Map<number, Slot>();
  readonly #closed: TimelineRow[] = [];
  #latest = 0;
  #dropped = 0;

  constructor(slotMs: number) {
    this.#slotMs = slotMs;
  }

  /** Rows that were dropped, the oldest first. */
  get dropped(): number {
    return this.#dropped;
  }

  due(dueMs: number): void {
    const index = this.#slotOf(dueMs);
    if (index > this.#latest) {
      const before = this.#latest;
      this.#latest = index;
      this.#closeIfDone(before);
    }
    this.#slot(index).counts.due();
  }

  retry(dueMs: number): void {
    this.#slot(this.#slotOf(dueMs)).counts.retry();
  }

  ended(dueMs: number, end: RequestEnd, afterMs: number): void {
    const index = this.#slotOf(dueMs);
    const slot = this.#slot(index);
    slot.counts.ended(end);
    if (end === "acknowledged") (slot.latencies ??= new Latencies()).record(afterMs);
    this.#closeIfDone(index);
  }

  get rows(): TimelineRow[] {
    const open = Array.from(this.#open, ([index, slot]) => this.#row(index, slot));
    return [...this.#closed, ...open].toSorted((a, b) => a.atMs - b.atMs);
  }

  #slotOf(dueMs: number): number {
    return Math.floor(dueMs / this.#slotMs);
  }

  #slot(index: number): Slot {
    const known = this.#open.get(index);
    if (known !== undefined) return known;
    const slot = { counts: new RequestCounts() };
    this.#open.set(index, slot);
    return slot;
  }

  #closeIfDone(index: number): void {
    const slot = index < this.#latest ? this.#open.get(index) : undefined;
    if (slot === undefined || slot.counts.underWay > 0) return;
    this.#open.delete(index);
    this.#closed.push(this.#row(index, slot));
    if (this.#closed.length <= MAX_ROWS) return;
    this.#closed.shift();
    this.#dropped += 1;
  }

  #row(index: number, { counts, latencies }: Slot): TimelineRow {
    const { p50Ms, p99Ms, maxMs } = latencies?.percentiles ?? {};
    const times = p50Ms === undefined || p99Ms === undefined || maxMs === undefined ? {} : { p50Ms, p99Ms, maxMs };
    return { atMs: index * this.#slotMs, ...counts.counts, ...times };
  }
}
