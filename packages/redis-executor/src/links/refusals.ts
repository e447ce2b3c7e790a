import { refuse, RouteError } from "@podlink/types";
import type { WireOp } from "./pending-op.ts";

/** Conditions of the server, not of the link. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  OOM: "Redis is at its memory limit",
  MISCONF: "Redis can't write to its disk",
  NOREPLICAS: "Redis has too few replicas to take a write",
};

/** What an operation that a script refused answers its caller; `word` is what follows the "e". Nothing was changed. */
export function refusalOf(op: WireOp, word: string): RouteError {
  if (word === "FLOOR") {
    const floor = "owner" in op ? op.owner.tokenFloor : undefined;
    return refused("tokenFloor", "at most one day ahead of the store's clock, in microseconds", floor);
  }
  if (word === "SERVICES" && op.kind !== "services") {
    return refused("service", "one of at most 128 services of a uid", op.service);
  }
  const outcome = "not-applied";
  const unavailable = UNAVAILABLE[word];
  if (unavailable !== undefined) return new RouteError("STORE_UNAVAILABLE", unavailable, { outcome });
  if (word === "NOPERM") {
    return new RouteError("PERMISSION_DENIED", "the Redis user lacks a permission that the script needs", { outcome });
  }
  const corrupt = CORRUPT[word];
  if (corrupt !== undefined) return new RouteError("CORRUPT", corrupt, { outcome });
  return new RouteError("INTERNAL", `Redis refused ${op.kind}: ${word}`, { outcome });
}

/** What is stored is not ours to touch. */
const CORRUPT: Readonly<Record<string, string>> = {
  NEWER: "the stored link has a newer format",
  WRONGTYPE: "the key of the links holds another Redis type",
  SERVICES: "the key of the links has more fields than podlink writes",
  TOKENS: "the stored link has the highest token there is",
};

function refused(field: string, rule: string, value: unknown): RouteError {
  try {
    return refuse(field, rule, value);
  } catch (error) {
    return RouteError.from(error);
  }
}
