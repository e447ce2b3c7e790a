import type { SilentPod } from "@podlink/types";
import { RouteError } from "@podlink/types";

/** One answer of the script `readPods`; see its header in lua/. */
export interface ReadingReply {
  /** Whether the rows are those that changed since the known reading, or all. */
  readonly which: "changed" | "all";
  /** Whether more follow. */
  readonly place: "page" | "last";
  readonly nowMs: number;
  readonly generation: string | undefined;
  readonly sequence: number;
  /** The sequence number of the last row: the next page begins after it. */
  readonly cursor: number;
  readonly silentCount: number;
  readonly silent: readonly SilentPod[];
  readonly rows: readonly (readonly [podIndex: string, text: string])[];
}

/** @throws RouteError INTERNAL when it is no answer of that script */
export function decodeReading(reply: unknown): ReadingReply {
  if (!Array.isArray(reply)) return unknownReply();
  const [which, place, nowMs, generation, sequence, cursor, silentCount, silent, rows] = reply as unknown[];
  if (which !== "changed" && which !== "all") return unknownReply();
  if (place !== "page" && place !== "last") return unknownReply();
  return {
    which,
    place,
    nowMs: Number(nowMs),
    generation: generation === "" ? undefined : String(generation),
    sequence: Number(sequence),
    cursor: Number(cursor),
    silentCount: Number(silentCount),
    silent: groupsOf(silent, 4).map(([podIndex, incarnation, reportNumber, ageMs]) =>
      Object.freeze({
        podIndex: Number(podIndex),
        incarnation: Number(incarnation),
        reportNumber: Number(reportNumber),
        ageMs: Number(ageMs),
      }),
    ),
    rows: groupsOf(rows, 2) as [string, string][],
  };
}

function groupsOf(items: unknown, size: number): string[][] {
  const texts = Array.isArray(items) ? items.map(String) : [];
  const groups: string[][] = [];
  for (let start = 0; start + size <= texts.length; start += size) groups.push(texts.slice(start, start + size));
  return groups;
}

function unknownReply(): never {
  throw new RouteError("INTERNAL", "the script readPods answered what is none of its answers");
}
