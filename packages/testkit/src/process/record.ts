/** `start`, `ready` and `end` of a process, or a signal that it was sent by its supervisor. */
export type ActKind = "start" | "ready" | "end" | NodeJS.Signals;

/** What a supervisor did, or saw. */
export interface Act {
  /** By `performance.now()` of this process. */
  readonly atMs: number;
  /** Of the app. */
  readonly name: string;
  /** Which life of the app: 1 is the first. */
  readonly life: number;
  readonly what: ActKind;
  /** Absent: there never was a process. */
  readonly pid?: number;
  /** Of an end: how, and whether somebody had asked for it. Of `ready`: where it listens. */
  readonly detail?: string;
}

/** A time in which an app could not serve. */
export interface Outage {
  readonly name: string;
  /** `paused`: from SIGSTOP to SIGCONT or its end. `down`: from the end of a life until the next one is ready. */
  readonly kind: "paused" | "down";
  /** By `performance.now()`. */
  readonly fromMs: number;
  /** Absent: it is not over. */
  readonly toMs?: number;
  /** Why it is down: "SIGKILL", "exit code 1, unasked". */
  readonly detail?: string;
}

const BEGINS: Partial<Record<ActKind, Outage["kind"]>> = { SIGSTOP: "paused", end: "down" };
const ENDS: Partial<Record<ActKind, Outage["kind"]>> = { SIGCONT: "paused", end: "paused", ready: "down" };

/** The outages of a record, in the order in which they began. */
export function outagesOf(record: readonly Act[]): Outage[] {
  const outages: Outage[] = [];
  for (const { name, what, atMs, detail } of record) {
    const find = (kind: Outage["kind"] | undefined): number =>
      outages.findIndex((outage) => outage.name === name && outage.kind === kind && outage.toMs === undefined);
    const over = find(ENDS[what]);
    if (over >= 0) outages[over] = { ...(outages[over] as Outage), toMs: atMs };
    const kind = BEGINS[what];
    if (kind === undefined || find(kind) >= 0) continue;
    outages.push({ name, kind, fromMs: atMs, ...(detail !== undefined && { detail }) });
  }
  return outages;
}
