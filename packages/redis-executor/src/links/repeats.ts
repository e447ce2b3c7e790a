import { RouteError } from "@podlink/types";
import type { PendingOp } from "./pending-op.ts";

/**
 * Whether an operation may be sent once more after a try that failed. One that was proved not to have run may; one that
 * perhaps ran only if a second run does no harm: reads, `setIfAbsent`, and what expects a token. The second finds its own op
 * id in the record and is answered from it.
 */
export function mayRepeat({ op, isDoubtful }: PendingOp): boolean {
  if (!isDoubtful) return true;
  switch (op.kind) {
    case "get":
    case "services":
    case "setIfAbsent":
    case "replace":
      return true;
    case "renew":
    case "remove":
      return op.expected?.token !== undefined;
    case "set":
    case "trySet":
      return false;
  }
}

/**
 * What the caller hears when there is no further try. Of a mutation that perhaps ran, whatever became of the last try, the
 * outcome is unknown; where nobody answered, that is a TIMEOUT, however the connection put it.
 */
export function finalError(pending: PendingOp, error: RouteError): RouteError {
  if (!pending.isDoubtful || !pending.isMutation) return error;
  const code = error.code === "STORE_UNAVAILABLE" ? "TIMEOUT" : error.code;
  if (code === error.code && error.outcome === "unknown") return error;
  const message = `${pending.op.kind} has no certain outcome: ${error.message}`;
  return new RouteError(code, message, { outcome: "unknown", cause: error });
}

/** What the caller hears whose wait ends first. */
export function waitEnded(pending: PendingOp, code: "TIMEOUT" | "CANCELLED", what: string): RouteError {
  const message = `${pending.op.kind} ${what}`;
  if (pending.isDoubtful || pending.isOnWire) {
    return new RouteError(code, message, pending.isMutation ? { outcome: "unknown" } : {});
  }
  const { refusal } = pending;
  if (code === "TIMEOUT" && refusal !== undefined) {
    // It was answered, and refused each time: who reads the error needs to know why.
    return new RouteError(code, `${message}; ${refusal.message}`, { outcome: "not-applied", cause: refusal });
  }
  return new RouteError(code, message, { outcome: "not-applied" });
}
