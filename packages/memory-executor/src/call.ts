import type { CallOptions } from "@podlink/types";
import { checkDurationMs, RouteError } from "@podlink/types";

/**
 * Lets a call begin. Work in memory is done within the call, so no deadline can pass: what remains of the call's
 * options is a signal that is aborted before.
 * @throws RouteError INVALID_ARGUMENT, CANCELLED
 */
export function checkCall(what: string, call: CallOptions | undefined): void {
  if (call?.timeoutMs !== undefined) checkDurationMs(call.timeoutMs, "timeoutMs");
  if (call?.signal?.aborted === true) throw cancelled(what);
}

export function cancelled(what: string): RouteError {
  return new RouteError("CANCELLED", `${what} was cancelled by its caller`, { outcome: "not-applied" });
}
