import type { PodRow } from "@podlink/types";
import { checkIncarnation, checkPodIndex } from "@podlink/types";
import { decodeReport } from "./report-text.ts";

/**
 * The row of a pod as its scripts write it (lua/lib/pods/podRow):
 * `1|incarnation|reportNumber|reportedAtMs|sequence|claimAfterMs|sequencedLoadScore|sequencedLinkCount|life|said`.
 */
const ROW = /^1\|(\d+)\|(\d+)\|(\d+)\|(\d+)\|\d+\|[\d.e+-]+\|\d+\|([^|]+)\|(.+)$/s;
const POD_INDEX = /^\d{1,5}$/;
const NEWER = /^(?:[2-9]|[1-9]\d+)\|/;

/** Why a row can't be read: broken, or written by a later version of podlink. */
export type Unreadable = "broken" | "newer";

/** A fresh, frozen row that trusts nothing of what it was made of; or why there is none. */
export function decodeRow(podIndex: string, text: string): PodRow | Unreadable {
  const [, incarnation, reportNumber, reportedAtMs, sequence, life, said] = ROW.exec(text) ?? [];
  if (life === undefined || said === undefined || !POD_INDEX.test(podIndex)) {
    return NEWER.test(text) ? "newer" : "broken";
  }
  try {
    return Object.freeze({
      podIndex: checkPodIndex(Number(podIndex)),
      incarnation: checkIncarnation(Number(incarnation)),
      life: decodeURIComponent(life),
      reportNumber: wholeOf(reportNumber),
      reportedAtMs: wholeOf(reportedAtMs),
      sequence: wholeOf(sequence),
      ...decodeReport(said),
    });
  } catch {
    return "broken";
  }
}

function wholeOf(text: string | undefined): number {
  const whole = Number(text);
  if (!Number.isSafeInteger(whole)) throw new RangeError("no whole number");
  return whole;
}
