import type { PodView, ServiceStateCache } from "@podlink/state-cache";
import type { Clock } from "@podlink/types";
import type { Failover } from "./failover.ts";
import type { Verdict } from "./judge-holder.ts";

/** Why a pod gets no new users, the first that applies. */
export type NotRoutableReason =
  | "goodbye"
  | "silent"
  | "failed"
  | "shutdown"
  | "pending"
  | "not-ready"
  | "denies-new-calls"
  | "overloaded"
  | "not-seen";

/** What becomes of the owned links of a pod: its users are served, wait, or are moved when they come next. */
export type LinksOutlook = "served" | "waiting" | "moving";

/** A pod as a caller sees it, for people. Times in milliseconds, as of now. */
export interface PodStatus extends Pick<PodView, "row" | "goodbye" | "alive" | "available" | "routable" | "warmth"> {
  /** Absent: it is routable. `not-seen`: what was last known of the pods is too old to be used. */
  readonly notRoutable?: NotRoutableReason;
  /** How long it has not been available, across its incarnations. Absent: it is. */
  readonly notAvailableForMs?: number;
  /** Its last report is not older than this. Absent: this incarnation was never seen to report. */
  readonly lastReportAgeMs?: number;
  /** When its lease ends if nothing more is heard; negative: it was over so long ago. Absent: not while readings fail. */
  readonly leaseEndsInMs?: number;
  readonly links: LinksOutlook;
  /** When those that wait are looked at again, at the latest. Absent: nobody waits, or it depends on the pod alone. */
  readonly linksWaitForMs?: number;
}

/** A service as a caller sees it, for people. */
export interface ServiceStatus {
  /** Whether the pods can't be read: they are as they were seen last. */
  readonly readingsFail: boolean;
  /** How old the newest successful reading is, in milliseconds. Absent: there was none. */
  readonly readingAgeMs?: number;
  /** Whether so many pods fell silent at once that nothing is moved. */
  readonly panic: boolean;
  /** How long yet. Absent: there is none, or not while readings fail. */
  readonly panicForMs?: number;
  /** All pods that are known, goodbyes and the silent too, by pod index. */
  readonly pods: readonly PodStatus[];
}

export interface StatusParts {
  readonly pods: ServiceStateCache;
  readonly failover: Pick<Failover, "heldForMs">;
  readonly clock: Pick<Clock, "nowMs">;
  /** The verdict on an owned link of this life of the pod. */
  readonly outlook: (pod: PodView) => Verdict;
}

export function serviceStatus({ pods, failover, clock, outlook }: StatusParts): ServiceStatus {
  const views = pods.pods();
  const nowMs = clock.nowMs();
  const heldForMs = failover.heldForMs();
  const readAtMs = pods.lastReadingBegunAtMs;
  return {
    readingsFail: pods.readingsFail,
    ...(readAtMs === undefined ? undefined : { readingAgeMs: Math.round(nowMs - readAtMs) }),
    panic: heldForMs > 0,
    ...(heldForMs > 0 ? finite("panicForMs", heldForMs) : undefined),
    pods: views.map((pod) => podStatus(pod, { nowMs, warm: pods.warm, heldForMs, verdict: outlook(pod) })),
  };
}

function podStatus(
  pod: PodView,
  facts: { readonly nowMs: number; readonly warm: boolean; readonly heldForMs: number; readonly verdict: Verdict },
): PodStatus {
  const { nowMs, verdict } = facts;
  const notRoutable = whyNotRoutable(pod, facts.warm);
  const { row, goodbye, alive, available, routable, warmth, notAvailableSinceMs: sinceMs } = pod;
  return {
    row,
    goodbye,
    alive,
    available,
    routable,
    warmth,
    ...(notRoutable === undefined ? undefined : { notRoutable }),
    ...(sinceMs === undefined ? undefined : finite("notAvailableForMs", nowMs - sinceMs)),
    ...finite("lastReportAgeMs", nowMs - pod.lastReportAtMs),
    ...(pod.goodbye ? undefined : finite("leaseEndsInMs", pod.leaseOverAtMs - nowMs)),
    ...linksOf(verdict, facts),
  };
}

function linksOf(
  verdict: Verdict,
  { nowMs, heldForMs }: { readonly nowMs: number; readonly heldForMs: number },
): Pick<PodStatus, "links" | "linksWaitForMs"> {
  if (verdict.kind === "keep") return { links: "served" };
  if (verdict.kind === "wait") {
    const { untilMs } = verdict;
    return { links: "waiting", ...(untilMs === undefined ? undefined : finite("linksWaitForMs", untilMs - nowMs)) };
  }
  return heldForMs > 0 ? { links: "waiting", ...finite("linksWaitForMs", heldForMs) } : { links: "moving" };
}

function whyNotRoutable({ row, ...pod }: PodView, warm: boolean): NotRoutableReason | undefined {
  if (pod.routable) return undefined;
  if (pod.goodbye) return "goodbye";
  if (!warm) return "not-seen";
  if (row.serviceState === "Failed") return "failed";
  if (!pod.alive) return "silent";
  if (row.routingState === "Shutdown") return "shutdown";
  if (row.serviceState === "Pending") return "pending";
  if (row.serviceState !== "Ready") return "not-ready";
  return row.routingState === "Ready" ? "overloaded" : "denies-new-calls";
}

/** Infinity is not known. */
function finite<K extends string>(name: K, ms: number): { readonly [N in K]?: number } {
  return Number.isFinite(ms) ? ({ [name]: Math.round(ms) } as { readonly [N in K]?: number }) : {};
}
