import type { SetIfAbsentOp } from "@podlink/types";
import type { LinkRecord } from "../link-record.ts";
import { longerOf } from "../link-record.ts";
import type { LinkOperation, LinkStep, LinkTurn } from "../link-step.ts";

/** Names the owner when there is no link; takes what was reserved for, released by or left over from its own pod index. */
export const setIfAbsent: LinkOperation<SetIfAbsentOp> = (turn) => {
  const { live, op } = turn;
  if (live === undefined) {
    const record = turn.named(op.owner, turn.expiry(op.lifetime), "created");
    return turn.changed(record, { created: true, link: turn.link(record) });
  }
  if (live.podIndex !== op.owner.podIndex) {
    return op.renew === true && live.kind === "reservation" ? extended(live, turn) : kept(live, turn);
  }
  if (op.owner.incarnation === undefined) {
    return live.kind === "reservation" ? extended(live, turn) : kept(live, turn);
  }
  if (live.kind === "owned" && live.incarnation === op.owner.incarnation) return kept(live, turn);
  const record = turn.named(op.owner, turn.expiry(op.lifetime), "taken");
  return turn.changed(record, { created: false, taken: true, link: turn.link(record) });
};

function kept(live: LinkRecord, turn: LinkTurn<SetIfAbsentOp>): LinkStep<SetIfAbsentOp> {
  return turn.unchanged({ created: false, link: turn.link(live) });
}

/** The longer of both lifetimes under the token it has. */
function extended(live: LinkRecord, turn: LinkTurn<SetIfAbsentOp>): LinkStep<SetIfAbsentOp> {
  const record = { ...live, ...longerOf(live, turn.expiry(turn.op.lifetime)) };
  return turn.changed(record, { created: false, link: turn.link(record) });
}
