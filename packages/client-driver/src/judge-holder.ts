import type { PodView } from "@podlink/state-cache";
import type { Link, PodRow, ReplaceReason } from "@podlink/types";
import type { FailoverMode } from "./options.ts";

/** The pod of a link, as the newest reading has it. */
export type HolderPod = Pick<PodView, "goodbye" | "alive" | "available" | "leaseOverAtMs" | "notAvailableSinceMs"> & {
  readonly row: Pick<PodRow, "incarnation" | "serviceState" | "routingState" | "leaseMs">;
};

/** All that a verdict depends on. Times are the caller's own monotonic ones. */
export interface HolderFacts {
  readonly nowMs: number;
  readonly link: Pick<Link, "kind" | "incarnation">;
  /** When the store's answer with the link arrived. */
  readonly linkSeenAtMs: number;
  /** The row of the pod index that the link names. Absent: there is none. */
  readonly pod?: HolderPod | undefined;
  /** The last proof of life of the incarnation that the link names; when nothing was ever seen of it, the start of knowing. */
  readonly silentSinceMs: number;
  /** When the newest successful reading of the pods was begun. Absent: there was none. */
  readonly readingBegunAtMs?: number | undefined;
  /** Before it no owned link is replaced for silence. Infinity: the readings fail. */
  readonly frozenUntilMs: number;
}

export interface HolderPolicy {
  readonly mode: FailoverMode;
  readonly graceMs: number;
  readonly notReadyHandOverMs: number;
  /** For a pod without a row. */
  readonly leaseMs: number;
}

/** What becomes of a link. */
export type Verdict =
  /** Its pod serves it. */
  | { readonly kind: "keep" }
  /** What is known of the pods is too old to judge: read them, then judge again. */
  | { readonly kind: "read" }
  /** Neither served nor moved before `untilMs`. Absent: not before the pod itself, or the readings, come back. */
  | { readonly kind: "wait"; readonly untilMs?: number }
  /** Moved to another pod. `paced`: no faster than failover.ratePerSecond. */
  | { readonly kind: "replace"; readonly reason: ReplaceReason; readonly paced: boolean };

const KEEP: Verdict = { kind: "keep" };
const READ: Verdict = { kind: "read" };

/**
 * What becomes of a link, by what is known of its holder: the table "The client driver" of the semantics, and nothing else.
 * A goodbye is judged as a reservation: its pod has let it go.
 */
export function judgeHolder(facts: HolderFacts, policy: HolderPolicy): Verdict {
  const { link, pod } = facts;
  if (pod === undefined) return judgeMissing(facts, policy);
  const linkIncarnation = link.incarnation ?? pod.row.incarnation;
  if (linkIncarnation > pod.row.incarnation) return judgeUnknownLife(facts, pod);
  if (pod.available) return KEEP;
  if (linkIncarnation < pod.row.incarnation) return judgeFormerLife(facts, pod, policy);
  const ended = endOf(pod);
  if (ended !== undefined) {
    // A goodbye is for good; a pod that failed or was shut down may be ready again since the readings began to fail.
    const isOld = ended !== "goodbye" && facts.frozenUntilMs === Number.POSITIVE_INFINITY;
    return isOld && link.kind === "owned" ? READ : { kind: "replace", reason: ended, paced: false };
  }
  if (isSilent(pod, facts.nowMs)) return judgeSilent(facts, pod.leaseOverAtMs, policy);
  return judgeNotAvailable(facts, pod, policy);
}

/** Whether the pod has not reported for its whole lease, whatever it said of itself in its last report. */
function isSilent(pod: Pick<HolderPod, "alive" | "leaseOverAtMs">, nowMs: number): boolean {
  return !pod.alive && nowMs >= pod.leaseOverAtMs;
}

/** No row is silence, never a goodbye: the row may have been lost, or be on its way. */
function judgeMissing(facts: HolderFacts, policy: HolderPolicy): Verdict {
  if (!isReadSince(facts, facts.linkSeenAtMs)) return READ;
  const leaseOverAtMs = facts.silentSinceMs + policy.leaseMs;
  return facts.nowMs < leaseOverAtMs ? waitUntil(leaseOverAtMs) : judgeSilent(facts, leaseOverAtMs, policy);
}

/** The link names a life of the pod that its row doesn't know yet: nothing can be said of it, so nothing is moved. */
function judgeUnknownLife(facts: HolderFacts, pod: HolderPod): Verdict {
  if (!isReadSince(facts, facts.linkSeenAtMs)) return READ;
  return pod.available ? KEEP : { kind: "wait" };
}

/** The pod is back under a higher incarnation, and not ready to inherit. */
function judgeFormerLife(facts: HolderFacts, pod: HolderPod, policy: HolderPolicy): Verdict {
  if (facts.link.kind !== "owned") return { kind: "replace", reason: "superseded-holder", paced: true };
  // Silent now, not gone for good: one that came back and said that it is gone is waited for by nobody.
  if (policy.mode === "never" && endOf(pod) === undefined && isSilent(pod, facts.nowMs)) return { kind: "wait" };
  return afterGrace(facts, facts.silentSinceMs + pod.row.leaseMs, policy, "superseded-holder");
}

function judgeSilent(facts: HolderFacts, leaseOverAtMs: number, policy: HolderPolicy): Verdict {
  if (facts.link.kind !== "owned") return { kind: "replace", reason: "silent", paced: true };
  if (policy.mode === "never") return { kind: "wait" };
  return afterGrace(facts, leaseOverAtMs, policy, "silent");
}

/** It reports, but takes no traffic: it has the time to hand its users over by itself. */
function judgeNotAvailable(facts: HolderFacts, pod: HolderPod, policy: HolderPolicy): Verdict {
  const sinceMs = pod.notAvailableSinceMs ?? facts.nowMs;
  const overAtMs = sinceMs + policy.notReadyHandOverMs + policy.graceMs;
  if (facts.link.kind === "owned") {
    if (facts.nowMs < overAtMs) return waitUntil(overAtMs);
    if (!isReadSince(facts, overAtMs)) return READ;
  }
  return { kind: "replace", reason: "not-available", paced: true };
}

/** An owned link moves only when a reading begun after the grace still shows what it was moved for. */
function afterGrace(facts: HolderFacts, leaseOverAtMs: number, policy: HolderPolicy, reason: ReplaceReason): Verdict {
  const overAtMs = Math.max(leaseOverAtMs + policy.graceMs, facts.frozenUntilMs);
  if (facts.nowMs < overAtMs) return waitUntil(overAtMs);
  return isReadSince(facts, overAtMs) ? { kind: "replace", reason, paced: true } : READ;
}

/** How a pod said that it serves nobody any more. Absent: it didn't. */
function endOf(pod: HolderPod): ReplaceReason | undefined {
  if (pod.goodbye) return "goodbye";
  if (pod.row.serviceState === "Failed") return "failed";
  return pod.row.routingState === "Shutdown" ? "shutdown" : undefined;
}

function isReadSince(facts: HolderFacts, momentMs: number): boolean {
  return facts.readingBegunAtMs !== undefined && facts.readingBegunAtMs >= momentMs;
}

/** @param untilMs Infinity while the readings fail: nobody knows when. */
function waitUntil(untilMs: number): Verdict {
  return untilMs === Number.POSITIVE_INFINITY ? { kind: "wait" } : { kind: "wait", untilMs };
}
