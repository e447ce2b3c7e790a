import type { RefusalReason, Refused } from "@podlink/server-driver";
import type { RouteErrorCode } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { encodeLink, WIRE } from "./headers.ts";
import type { ErrorAnswerOptions } from "./send-error.ts";

/** Asking elsewhere helps with the first two (421), asking later with the others (503). */
const CODE_OF: Readonly<Record<RefusalReason, RouteErrorCode>> = {
  "held-by": "NOT_HOLDER",
  "not-me": "NOT_HOLDER",
  fenced: "POD_UNAVAILABLE",
  stopped: "POD_UNAVAILABLE",
  unavailable: "POD_UNAVAILABLE",
};

const MESSAGE_OF: Readonly<Record<RefusalReason, string>> = {
  "held-by": "another pod holds this uid",
  "not-me": "the request means another pod",
  fenced: "this pod has to register again first",
  stopped: "this pod takes nothing any more",
  unavailable: "this pod can't say now whether it holds this uid",
};

/** A guard's refusal as it goes over HTTP. */
export function refusalOf(refused: Refused): { readonly error: RouteError; readonly options: ErrorAnswerOptions } {
  const { reason, link, retryAfterMs } = refused;
  const error = new RouteError(CODE_OF[reason], MESSAGE_OF[reason], {
    retryable: true,
    outcome: "not-applied",
    ...(retryAfterMs === undefined ? undefined : { retryAfterMs }),
  });
  const named = reason === "held-by" && link !== undefined ? { [WIRE.link]: encodeLink(link) } : undefined;
  return { error, options: { headers: { [WIRE.refused]: reason, ...named } } };
}
