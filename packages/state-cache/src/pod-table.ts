import type { PodRow } from "@podlink/types";
import { isAlive, isAvailable, isGoodbye, isRoutable } from "@podlink/types";
import { Availability } from "./availability.ts";
import type { StateCacheSettings } from "./options.ts";
import type { PodEntry } from "./pod-entry.ts";
import { looksTheSame } from "./pod-entry.ts";
import type { ArrivedReading } from "./pod-evidence.ts";
import { PodEvidence } from "./pod-evidence.ts";
import { PodSet } from "./pod-set.ts";
import type { PodChange, PodView } from "./pod-view.ts";

/** A young pod is offered at least this share of its turns, or it would never be tried. */
const LEAST_WARMTH = 0.1;
/** The warmth of young pods is worked out again after so long. */
const WARMTH_STEP_MS = 50;

/** What follows from a pod's row and its silence. */
type Judged = Pick<PodView, "goodbye" | "alive" | "available" | "routable">;

type TableSettings = Pick<StateCacheSettings, "silenceMs" | "overloadScore" | "slowStartMs">;

/**
 * The pods of one service, and what follows for their traffic from what is known of them. No I/O, no timer, no clock: the
 * time is an argument. What changed costs; what stayed the same doesn't.
 */
export class PodTable {
  readonly availability: Availability = new Availability();
  readonly available: PodSet = new PodSet();
  readonly routable: PodSet = new PodSet();
  readonly evidence: PodEvidence;
  readonly #settings: TableSettings;
  readonly #onChange: (change: PodChange) => void;
  readonly #young = new Set<PodEntry>();
  #warmedAtMs = Number.NEGATIVE_INFINITY;
  #outdated = false;

  constructor(settings: TableSettings, onChange: (change: PodChange) => void) {
    this.#settings = settings;
    this.#onChange = onChange;
    this.evidence = new PodEvidence(settings.silenceMs);
  }

  /** What was seen last is too old to be used: no pod counts as alive. */
  get outdated(): boolean {
    return this.#outdated;
  }

  /** Takes over a successful reading. */
  takeReading(arrived: ArrivedReading): void {
    const touched = this.evidence.takeReading(arrived);
    const all = this.#outdated ? this.evidence.entries.values() : touched;
    this.#outdated = false;
    for (const entry of all) this.#judge(entry, arrived.arrivedAtMs);
  }

  /** Takes over a published row. */
  takePush(row: PodRow, nowMs: number): void {
    const entry = this.evidence.takePush(row, nowMs);
    if (entry !== undefined) this.#judge(entry, nowMs);
  }

  /** A reading failed: nobody's liveness gets worse from now on. */
  readingFailed(nowMs: number): void {
    const { liveness, silent } = this.evidence;
    if (liveness.failing) return;
    liveness.failing = true;
    for (const entry of silent) this.#judge(entry, nowMs);
  }

  /** What was seen last is too old to be used: no pod counts as alive until the next reading. */
  forget(nowMs: number): void {
    if (this.#outdated) return;
    this.#outdated = true;
    for (const entry of this.evidence.entries.values()) this.#judge(entry, nowMs);
  }

  /** Works out again how warm the young pods are. */
  warmUp(nowMs: number): void {
    if (this.#young.size === 0 || nowMs - this.#warmedAtMs < WARMTH_STEP_MS) return;
    this.#warmedAtMs = nowMs;
    for (const entry of this.#young) {
      const warmth = this.#warmth(entry, nowMs);
      this.available.warm(entry.row.podIndex, warmth);
      this.routable.warm(entry.row.podIndex, warmth);
    }
  }

  /** The pods that are shown, by pod index. */
  views(nowMs: number): PodView[] {
    const listed = [...this.evidence.entries.values()].filter((entry) => entry.listed);
    return listed.sort((a, b) => a.row.podIndex - b.row.podIndex).map((entry) => this.#shown(entry, nowMs));
  }

  row(podIndex: number): PodRow | undefined {
    const entry = this.evidence.entries.get(podIndex);
    return entry?.listed === true ? entry.row : undefined;
  }

  view(podIndex: number, nowMs: number): PodView | undefined {
    const entry = this.evidence.entries.get(podIndex);
    return entry?.listed === true ? this.#shown(entry, nowMs) : undefined;
  }

  /**
   * Works out what follows for one pod, and tells when something does. Silence ends a life only here, when a reading has
   * confirmed it: between two readings a silent pod may have reported again.
   */
  #judge(entry: PodEntry, nowMs: number): void {
    const endsAtMs = this.evidence.liveness.endsAtMs(entry);
    const isOver = endsAtMs <= nowMs;
    if (!isOver) entry.lapsedAtMs = undefined;
    else if (entry.lapsedAtMs === undefined || entry.lapsedAtMs === Number.NEGATIVE_INFINITY)
      entry.lapsedAtMs = endsAtMs;
    if (entry.missing && (isOver || isGoodbye(entry.row))) this.evidence.drop(entry);
    const current = this.#view(entry, nowMs);
    // What nobody could see counts for nobody: an outage is no time in which a pod wasn't ready.
    if (!this.#outdated) entry.notAvailableSinceMs = current.notAvailableSinceMs;
    this.#place(entry, current, nowMs);
    const previous = entry.told;
    if (previous !== undefined && looksTheSame(previous, current)) return;
    entry.told = current;
    const { podIndex } = entry.row;
    this.#onChange(previous === undefined ? { podIndex, current } : { podIndex, previous, current });
  }

  #place(entry: PodEntry, view: PodView, nowMs: number): void {
    const { podIndex } = entry.row;
    this.availability.put(podIndex, view.available);
    const warmth = this.#warmth(entry, nowMs);
    if (view.available) this.available.put(entry.row, warmth);
    else this.available.remove(podIndex);
    if (view.routable) this.routable.put(entry.row, warmth);
    else this.routable.remove(podIndex);
  }

  #warmth(entry: PodEntry, nowMs: number): number {
    const warmth = this.#warmthAt(entry, nowMs);
    if (warmth === 1) this.#young.delete(entry);
    else this.#young.add(entry);
    return warmth;
  }

  #warmthAt(entry: PodEntry, nowMs: number): number {
    const { slowStartMs } = this.#settings;
    const ageMs = nowMs - entry.bornAtMs;
    return ageMs >= slowStartMs ? 1 : Math.max(LEAST_WARMTH, ageMs / slowStartMs);
  }

  /** As it was judged last, which is whenever anything changed about it: what follows from its row is not worked out again. */
  #shown(entry: PodEntry, nowMs: number): PodView {
    const { told } = entry;
    return told === undefined ? this.#view(entry, nowMs) : this.#viewOf(entry, told, nowMs);
  }

  #view(entry: PodEntry, nowMs: number): PodView {
    const { row } = entry;
    const lives = !this.#outdated && entry.lapsedAtMs === undefined;
    const silentForMs = lives ? 0 : Number.POSITIVE_INFINITY;
    const judged = {
      goodbye: isGoodbye(row),
      alive: isAlive(row, silentForMs),
      available: isAvailable(row, silentForMs),
      routable: isRoutable(row, silentForMs, this.#settings.overloadScore),
    };
    return this.#viewOf(entry, judged, nowMs);
  }

  #viewOf(entry: PodEntry, { goodbye, alive, available, routable }: Judged, nowMs: number): PodView {
    const { liveness } = this.evidence;
    const { row, firstSeenAtMs } = entry;
    const lastReportAtMs = liveness.provenAtMs(entry, goodbye);
    const leaseOverAtMs = liveness.leaseOverAtMs(entry, goodbye);
    const warmth = this.#warmthAt(entry, nowMs);
    const view = { row, lastReportAtMs, leaseOverAtMs, firstSeenAtMs, goodbye, alive, available, routable, warmth };
    return available ? view : { ...view, notAvailableSinceMs: entry.notAvailableSinceMs ?? nowMs };
  }
}
