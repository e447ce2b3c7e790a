import type { RemoveOp } from "@podlink/types";
import type { LinkRecord } from "../link-record.ts";
import type { LinkOperation, LinkTurn } from "../link-step.ts";
import { matches } from "../link-step.ts";

/** Ends a link that matches: at once, or after the grace. */
export const remove: LinkOperation<RemoveOp> = (turn) => {
  const { live, op } = turn;
  if (live === undefined) return turn.unchanged({ removed: false });
  if (op.expected !== undefined && !matches(live, op.expected)) {
    return turn.unchanged({ removed: false, link: turn.link(live) });
  }
  return turn.changed(op.graceMs === 0 ? undefined : ending(live, turn), { removed: true });
};

/** A temporary link ends sooner, if at all; a persistent one becomes a goodbye, its token kept. */
function ending(live: LinkRecord, turn: LinkTurn<RemoveOp>): LinkRecord {
  const endsAtMs = turn.context.nowMs + turn.op.graceMs;
  if (!live.persistent) return { ...live, expiresAtMs: Math.min(live.expiresAtMs, endsAtMs) };
  return {
    ...live,
    kind: "goodbye",
    persistent: false,
    expiresAtMs: endsAtMs,
    opId: turn.opId,
    opKind: "goodbye",
  };
}
