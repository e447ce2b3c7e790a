import type { KnownReading, PodReading, PodRow, SilentPod } from "@podlink/types";
import { isGoodbye } from "@podlink/types";
import type { ServicePods } from "./service-pods.ts";

/** The most silent pods that one reading lists. */
const MAX_LISTED = 128;

export interface ReadOptions {
  readonly known?: KnownReading | undefined;
  readonly silenceMs: number;
  readonly nowMs: number;
}

/** The pods of a service as they are now: all rows, or what changed since what the reader knows. */
export function read(service: ServicePods, { known, silenceMs, nowMs }: ReadOptions): PodReading {
  const all = Array.from(service.pods.values(), ({ row }) => row);
  const silent = silentOf(all, silenceMs, nowMs);
  const changed = known === undefined ? undefined : changedSince(service, all, known);
  const rows = (changed ?? all).toSorted((one, other) => one.podIndex - other.podIndex);
  return Object.freeze({
    nowMs,
    ...(service.generation === undefined ? undefined : { generation: service.generation }),
    sequence: service.sequence,
    complete: changed === undefined,
    rows: Object.freeze(rows),
    silent: Object.freeze(silent.slice(0, MAX_LISTED)),
    silentCount: silent.length,
  });
}

/** The rows that changed. Undefined: the reader needs all of them. */
function changedSince(service: ServicePods, rows: readonly PodRow[], known: KnownReading): PodRow[] | undefined {
  if (known.generation !== service.generation || known.sequence > service.sequence) return undefined;
  return rows.filter((row) => row.sequence > known.sequence);
}

/** Those whose last report is not in (now - silenceMs, now], the longest silent last. */
function silentOf(rows: readonly PodRow[], silenceMs: number, nowMs: number): SilentPod[] {
  const silent: SilentPod[] = [];
  for (const row of rows) {
    const ageMs = nowMs - row.reportedAtMs;
    if (isGoodbye(row) || (ageMs >= 0 && ageMs < silenceMs)) continue;
    const { podIndex, incarnation, reportNumber } = row;
    silent.push(Object.freeze({ podIndex, incarnation, reportNumber, ageMs }));
  }
  return silent.toSorted((one, other) => one.ageMs - other.ageMs);
}
