import type { PodReading, PodRow, SilentPod } from "@podlink/types";
import { isGoodbye } from "@podlink/types";
import { Liveness } from "./liveness.ts";
import type { SilentMember } from "./panic.ts";
import { panicSinceMs } from "./panic.ts";
import type { PodEntry } from "./pod-entry.ts";
import { beginLife, canLapse, newEntry, supersedes } from "./pod-entry.ts";

/** One reading with the moments that judge it. */
export interface ArrivedReading {
  readonly reading: PodReading;
  readonly begunAtMs: number;
  readonly arrivedAtMs: number;
}

/**
 * What readings and pushes prove of the pods of one service: which row is the newest, who is silent, since when. Works on
 * what changed and on who is silent; those that go on as before are not touched.
 */
export class PodEvidence {
  readonly entries: Map<number, PodEntry> = new Map();
  /** Those that are silent, the long dead too. */
  readonly silent: Set<PodEntry> = new Set();
  readonly liveness: Liveness;
  /** The longest lease that any row had, in ms. 0: there was none. */
  longestLeaseMs = 0;
  /** Whether some pods could not be judged by the last reading: the next one asks for all rows. */
  wantsAllRows = false;
  readonly #silenceMs: number;
  #generation: string | undefined;
  #sequence = 0;

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
    this.liveness = new Liveness(silenceMs);
  }

  /** Takes over a successful reading: what changed, who is silent, who no longer is. Returns the pods to be judged anew. */
  takeReading({ reading, begunAtMs, arrivedAtMs }: ArrivedReading): Iterable<PodEntry> {
    // A sequence that went back too: a replica that had not seen everything took over.
    const anotherStore = this.#generation !== reading.generation || reading.sequence < this.#sequence;
    const touched = new Set<PodEntry>();
    for (const row of reading.rows) {
      const entry = this.#takeRow(row, arrivedAtMs, anotherStore ? begunAtMs : Number.NEGATIVE_INFINITY);
      if (entry === undefined) continue;
      touched.add(entry);
      this.#takeAge(entry, row.reportNumber, reading.nowMs - row.reportedAtMs, arrivedAtMs);
      const ageMs = reading.nowMs - row.incarnation;
      if (entry.firstSeenAtMs === arrivedAtMs) entry.bornAtMs = arrivedAtMs - Math.max(0, ageMs);
    }
    this.#takeSilence({ reading, begunAtMs, arrivedAtMs }, touched);
    if (reading.complete) this.#takeMissing(reading.rows, begunAtMs, touched);
    this.#generation = reading.generation;
    this.#sequence = reading.sequence;
    this.liveness.readingWorked(arrivedAtMs);
    for (const entry of this.silent) if (entry.lapsedAtMs === undefined) touched.add(entry);
    return anotherStore ? this.entries.values() : touched;
  }

  /** Takes over a published row. Returns the pod to be judged anew. Undefined: something newer is known. */
  takePush(row: PodRow, nowMs: number): PodEntry | undefined {
    const entry = this.#takeRow(row, nowMs, Number.NEGATIVE_INFINITY);
    if (entry === undefined || row.reportNumber <= entry.shownNumber) return entry;
    entry.shownNumber = row.reportNumber;
    entry.provenAtMs = Math.max(entry.provenAtMs, nowMs);
    this.#recover(entry);
    return entry;
  }

  /** The pod is not shown any more: it has no row, and its lease is over. */
  drop(entry: PodEntry): void {
    entry.listed = false;
    this.silent.delete(entry);
  }

  /** When the next life ends by silence. Infinity: none will, as far as is known. */
  nextEndMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of this.silent) {
      if (canLapse(entry)) nextMs = Math.min(nextMs, this.liveness.endsAtMs(entry));
    }
    return nextMs;
  }

  /** The last proof of life of an incarnation. Undefined: it is newer than what is known. */
  silentSinceMs(podIndex: number, incarnation: number, knownSinceMs: number): number | undefined {
    const entry = this.entries.get(podIndex);
    if (entry === undefined) return knownSinceMs;
    if (incarnation > entry.row.incarnation) return entry.listed ? undefined : knownSinceMs;
    if (incarnation === entry.row.incarnation) return this.liveness.provenAtMs(entry);
    const next = entry.formerLives.find((life) => life.incarnation >= incarnation);
    if (next?.incarnation === incarnation) return next.provenAtMs;
    // A life that was never seen ended before the next one registered.
    return (next ?? entry).firstSeenAtMs;
  }

  /** Since when so many pods are silent, as of the last reading, that the store is the suspect. Absent: they aren't. */
  panicSinceMs(): number | undefined {
    const silent: SilentMember[] = [];
    let reporting = 0;
    for (const entry of this.entries.values()) {
      if (!entry.listed || isGoodbye(entry.row)) continue;
      if (entry.silent) silent.push({ leaseOverAtMs: this.liveness.endsAtMs(entry), leaseMs: entry.row.leaseMs });
      else reporting += 1;
    }
    return panicSinceMs(silent, reporting);
  }

  /** @param overruledMs rows known since then or earlier are replaced even by what looks older: they are of another store. */
  #takeRow(row: PodRow, nowMs: number, overruledMs: number): PodEntry | undefined {
    let entry = this.entries.get(row.podIndex);
    this.longestLeaseMs = Math.max(this.longestLeaseMs, row.leaseMs);
    if (entry === undefined) {
      entry = newEntry(row, nowMs);
      this.entries.set(row.podIndex, entry);
    } else {
      if (entry.rowAtMs > overruledMs && !supersedes(row, entry.row)) return undefined;
      const provenAtMs = this.liveness.provenAtMs(entry);
      if (row.incarnation !== entry.row.incarnation) beginLife(entry, row, nowMs, provenAtMs);
      else entry.provenAtMs = provenAtMs;
      entry.row = row;
      entry.rowAtMs = nowMs;
      entry.listed = true;
      entry.missing = false;
    }
    if (!entry.silent) this.silent.delete(entry);
    return entry;
  }

  /** A report is as old as the store says. One in the future proves only that there was one since the last that was shown. */
  #takeAge(entry: PodEntry, reportNumber: number, ageMs: number, arrivedAtMs: number): void {
    const isNew = reportNumber > entry.shownNumber;
    if (isNew) entry.shownNumber = reportNumber;
    if (ageMs >= 0) entry.provenAtMs = Math.max(entry.provenAtMs, arrivedAtMs - ageMs);
    else if (isNew) entry.provenAtMs = Math.max(entry.provenAtMs, arrivedAtMs);
  }

  #takeSilence(arrived: ArrivedReading, touched: Set<PodEntry>): void {
    const { reading, arrivedAtMs } = arrived;
    const listed = new Set<PodEntry>();
    for (const pod of reading.silent) {
      const entry = this.entries.get(pod.podIndex);
      if (entry === undefined || !isAbout(pod, entry)) continue;
      listed.add(entry);
      touched.add(entry);
      this.#markSilent(entry);
      this.#takeAge(entry, pod.reportNumber, pod.ageMs, arrivedAtMs);
    }
    this.wantsAllRows = false;
    if (reading.silentCount > reading.silent.length) return this.#takeUnlisted(arrived, listed, touched);
    for (const entry of this.silent) {
      if (listed.has(entry) || entry.missing) continue;
      this.#recover(entry);
      touched.add(entry);
    }
  }

  /**
   * Not all of the silent were listed, only those that fell silent last. A pod that is not among them is known to report
   * when its row says so, or when it reported so recently that it would be among them.
   */
  #takeUnlisted({ reading, arrivedAtMs }: ArrivedReading, listed: ReadonlySet<PodEntry>, touched: Set<PodEntry>): void {
    const rows = new Map(reading.rows.map((row) => [row.podIndex, row]));
    const oldestListedMs = reading.silent.at(-1)?.ageMs ?? 0;
    const sinceLastMs = arrivedAtMs - (this.liveness.readAtMs ?? Number.NEGATIVE_INFINITY);
    for (const entry of this.entries.values()) {
      if (!entry.listed || listed.has(entry) || isGoodbye(entry.row)) continue;
      touched.add(entry);
      const row = rows.get(entry.row.podIndex);
      const ageMs = row === undefined ? undefined : reading.nowMs - row.reportedAtMs;
      if (ageMs !== undefined && ageMs >= 0 && ageMs < this.#silenceMs) this.#recover(entry);
      else if (entry.silent || ageMs !== undefined || this.#silenceMs + sinceLastMs > oldestListedMs) {
        this.#markSilent(entry);
        if (row === undefined && entry.lapsedAtMs === undefined) this.wantsAllRows = true;
      }
    }
  }

  /** A row that is gone is never a goodbye: the pod is silent from then on. One that said goodbye is forgotten. */
  #takeMissing(rows: readonly PodRow[], begunAtMs: number, touched: Set<PodEntry>): void {
    const present = new Set(rows.map((row) => row.podIndex));
    for (const entry of this.entries.values()) {
      if (!entry.listed || present.has(entry.row.podIndex) || entry.rowAtMs > begunAtMs) continue;
      entry.missing = true;
      this.#markSilent(entry);
      touched.add(entry);
    }
  }

  #markSilent(entry: PodEntry): void {
    if (!entry.silent) this.liveness.fallSilent(entry);
    this.silent.add(entry);
  }

  #recover(entry: PodEntry): void {
    entry.silent = false;
    this.silent.delete(entry);
  }
}

/** Whether what a reading says of a silent pod is about the life and the report that are known, or about later ones. */
function isAbout(pod: SilentPod, entry: PodEntry): boolean {
  return pod.incarnation === entry.row.incarnation && pod.reportNumber >= entry.row.reportNumber && entry.listed;
}
