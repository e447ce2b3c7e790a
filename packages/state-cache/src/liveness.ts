import { isGoodbye } from "@podlink/types";
import type { PodEntry } from "./pod-entry.ts";

/**
 * How long pods count as alive, by the caller's own clock and by successful readings alone. While readings fail, and for
 * one lease after they work again, nobody's liveness gets worse.
 */
export class Liveness {
  readonly #silenceMs: number;
  /** When the last successful reading arrived. Absent: there was none. */
  readAtMs: number | undefined;
  /** Whether the last reading failed. */
  failing = false;
  /** When readings worked again. Absent: they never failed after one had worked. */
  recoveredAtMs: number | undefined;

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  /**
   * The latest proof that the pod reported: not silent at a reading means a report less than silenceMs before it.
   * @param goodbye whether its row is one, where that is known already.
   */
  provenAtMs(entry: PodEntry, goodbye: boolean = isGoodbye(entry.row)): number {
    if (entry.silent || goodbye || this.readAtMs === undefined) return entry.provenAtMs;
    return Math.max(entry.provenAtMs, this.readAtMs - this.#silenceMs);
  }

  /** When silence ends the pod's life. Infinity: not before a reading has said more. */
  endsAtMs(entry: PodEntry): number {
    if (!entry.silent) return Number.POSITIVE_INFINITY;
    const leaseOverAtMs = entry.provenAtMs + entry.row.leaseMs;
    if (entry.lapsedAtMs !== undefined) return leaseOverAtMs; // a freeze revives nobody; new proof does
    if (this.failing) return Number.POSITIVE_INFINITY;
    if (this.recoveredAtMs === undefined) return leaseOverAtMs;
    return Math.max(leaseOverAtMs, this.recoveredAtMs + entry.row.leaseMs);
  }

  /** A reading worked, and arrived now. */
  readingWorked(nowMs: number): void {
    if (this.failing && this.readAtMs !== undefined) this.recoveredAtMs = nowMs;
    this.failing = false;
    this.readAtMs = nowMs;
  }

  /** The pod became silent, as a reading says: what its earlier readings proved is written down. */
  fallSilent(entry: PodEntry): void {
    entry.provenAtMs = this.provenAtMs(entry);
    entry.silent = true;
  }

  /**
   * What users are shown: when its lease was over, or will be if it doesn't report again.
   * @param goodbye whether its row is one, where that is known already.
   */
  leaseOverAtMs(entry: PodEntry, goodbye: boolean = isGoodbye(entry.row)): number {
    if (entry.lapsedAtMs !== undefined && entry.lapsedAtMs > Number.NEGATIVE_INFINITY) return entry.lapsedAtMs;
    if (this.failing) return Number.POSITIVE_INFINITY;
    return entry.silent ? this.endsAtMs(entry) : this.provenAtMs(entry, goodbye) + entry.row.leaseMs;
  }
}
