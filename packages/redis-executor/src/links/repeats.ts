import type { StoreHealth } from "@podlink/types";
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

/** What the caller hears who stops waiting. */
export function cancelled(pending: PendingOp): RouteError {
  const message = `${pending.op.kind} was cancelled by its caller`;
  return new RouteError("CANCELLED", message, mayHaveRun(pending) ? unknownOf(pending) : { outcome: "not-applied" });
}

/**
 * What the caller hears whose wait ends first. The code says what is known, and is the same for each kind of operation:
 *
 * - TIMEOUT, unknown: it was sent, now or earlier, and not answered.
 * - STORE_UNAVAILABLE, not applied: Redis refused each try, or none could be sent as Redis is away. It is the code that the
 *   connection ends a try with: which of the two waits is the shorter one makes no difference.
 * - TIMEOUT, not applied: Redis is there, and it had to wait for its turn: for the wire, or for another mutation of its link.
 */
export function waitedTooLong(pending: PendingOp, health: StoreHealth): RouteError {
  const { refusal, op, wait } = pending;
  const message = `${op.kind} was not answered within ${wait.timeoutMs} ms`;
  if (mayHaveRun(pending)) return new RouteError("TIMEOUT", message, unknownOf(pending));
  const outcome = "not-applied";
  if (refusal !== undefined)
    return new RouteError("STORE_UNAVAILABLE", `${message}; ${refusal.message}`, { outcome, cause: refusal });
  if (!health.healthy) {
    const reason = health.reason ?? "it does not answer";
    return new RouteError("STORE_UNAVAILABLE", `${message}; Redis can't be used now: ${reason}`, { outcome });
  }
  return new RouteError("TIMEOUT", message, { outcome });
}

const mayHaveRun = ({ isDoubtful, isOnWire }: PendingOp): boolean => isDoubtful || isOnWire;

/** A read has no effect that could be unknown. */
const unknownOf = ({ isMutation }: PendingOp): { outcome?: "unknown" } => (isMutation ? { outcome: "unknown" } : {});
