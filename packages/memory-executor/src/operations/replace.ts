import type { ReplaceOp } from "@podlink/types";
import type { LinkOperation } from "../link-step.ts";

/** Names the owner when the link has the expected token, or there is none. */
export const replace: LinkOperation<ReplaceOp> = (turn) => {
  const { live, op } = turn;
  if (live !== undefined && live.token !== Number(op.expectedToken)) {
    return turn.unchanged({ replaced: false, link: turn.link(live) });
  }
  const record = turn.named(op.owner, turn.expiry(op.lifetime), "replaced");
  return turn.changed(record, { replaced: true, link: turn.link(record), ...turn.previous() });
};
