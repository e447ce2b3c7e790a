import type { PodPhase, Refused } from "@podlink/server-driver";
import { RouteError } from "@podlink/types";

/** What a use rejects with when the guard says no. Nothing was done. */
export function refusalError(refusal: Refused, phase: PodPhase): RouteError {
  const { reason, link, retryAfterMs } = refusal;
  const details = {
    outcome: "not-applied" as const,
    ...(link === undefined ? undefined : { link }),
    ...(retryAfterMs === undefined ? undefined : { retryAfterMs }),
  };
  switch (reason) {
    case "held-by":
      return new RouteError("NOT_HOLDER", "another pod holds this uid", details);
    case "not-me":
      return new RouteError("NOT_HOLDER", "the request means another pod", details);
    case "fenced":
      return new RouteError("POD_UNAVAILABLE", "this pod's lease is over; it registers again", details);
    case "stopped":
      return phase === "superseded"
        ? new RouteError("SUPERSEDED", "a newer registration of this pod's index exists", details)
        : new RouteError("POD_UNAVAILABLE", "this pod has stopped", details);
    case "unavailable":
      return new RouteError("POD_UNAVAILABLE", "this pod can't tell now whether it holds the uid", details);
  }
}
