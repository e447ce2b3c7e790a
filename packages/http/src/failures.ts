import { RouteError } from "@podlink/types";
import type { ProxyCounters } from "./proxy-counters.ts";
import type { UpstreamFailure } from "./upstream.ts";

/** An error with the status that it goes with. */
export interface Failure {
  readonly error: RouteError;
  readonly status?: number;
}

const MESSAGES = {
  unreached: "the pod can't be reached",
  timeout: "the pod did not answer in time",
  broken: "the pod's connection ended before its answer",
  ended: "the pod is gone, and did not answer; its users are being moved",
} as const;

/**
 * What the caller is told when the pod gave no answer. Nothing is sent again: only a request that never left is known to
 * be without effect.
 */
export function upstreamFailure(failure: UpstreamFailure, counters: ProxyCounters): Failure {
  const { kind, cause } = failure;
  const message = MESSAGES[kind];
  switch (kind) {
    case "unreached":
      counters.unreached += 1;
      return {
        error: new RouteError("POD_UNAVAILABLE", message, { cause, outcome: "not-applied", retryAfterMs: 1000 }),
      };
    case "timeout":
      counters.timeouts += 1;
      return { error: new RouteError("TIMEOUT", message, { cause, outcome: "unknown" }) };
    case "broken":
    case "ended":
      if (kind === "broken") counters.broken += 1;
      else counters.podEnded += 1;
      return {
        error: new RouteError("POD_UNAVAILABLE", message, { cause, outcome: "unknown", retryAfterMs: 1000 }),
        status: 502,
      };
  }
}

/** Two pods refused, or the first did when too much of the body had gone out to send it again. */
export function refusedForGood(counters: ProxyCounters): Failure {
  counters.refusedForGood += 1;
  const message = "the user's pod is changing; nothing was executed, send it again";
  return { error: new RouteError("POD_UNAVAILABLE", message, { outcome: "not-applied", retryAfterMs: 1000 }) };
}

/** What failed because its pod's life is over. */
export function podEnd(isSent: boolean): UpstreamFailure {
  return { kind: isSent ? "ended" : "unreached", cause: new Error("this life of the pod is over") };
}

/** The pod has more under way than one proxy may have there. */
export function podBusy(counters: ProxyCounters): Failure {
  counters.unreached += 1;
  const message = "too many requests are waiting for the pod";
  return { error: new RouteError("POD_UNAVAILABLE", message, { outcome: "not-applied", retryAfterMs: 1000 }) };
}
