import type { Link, PodIdentity, Subscription } from "@podlink/types";
import { intercept, isPromise } from "./intercept.ts";

/** A period of a pod began or ended. */
export type WatchedPeriod =
  | { readonly kind: "taken"; readonly uid: string; readonly link: Link }
  | { readonly kind: "ended"; readonly uid: string; readonly reason?: string };

/** A pod's own side, as far as it is watched. A ServerDriver is one. */
export interface WatchedPod {
  readonly identity: PodIdentity | undefined;
  /** Whether the guard would say "mine" now. */
  isHeld(uid: string): boolean;
  onPeriod(listener: (event: WatchedPeriod) => void): Subscription;
}

/** A pod's own side with its guard. */
export interface GuardingPod extends WatchedPod {
  guard(uid: string, request?: never): unknown;
  enter(uid: string, request?: never): unknown;
}

/** What a guard that says yes answers. */
export interface WatchedGrant {
  readonly ok: true;
  readonly link: Link;
}

/**
 * The pod with every yes of its guard heard, before whoever asked hears it.
 * @param hear `askedMs` is absent when the guard answered at once.
 */
export function hearGrants<T extends GuardingPod>(
  pod: T,
  nowMs: () => number,
  hear: (grant: WatchedGrant, askedMs?: number) => void,
): T {
  return intercept(
    pod,
    ({ run }) => {
      const askedMs = nowMs();
      const answer = run();
      if (!isPromise(answer)) {
        if (isGrant(answer)) hear(answer);
        return answer;
      }
      return answer.then((later) => {
        if (isGrant(later)) hear(later, askedMs);
        return later;
      });
    },
    ["guard", "enter"],
  );
}

function isGrant(answer: unknown): answer is WatchedGrant {
  return typeof answer === "object" && answer !== null && "ok" in answer && answer.ok === true;
}
