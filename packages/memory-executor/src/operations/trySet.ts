import type { TrySetOp } from "@podlink/types";
import type { LinkRecord } from "../link-record.ts";
import { longerOf } from "../link-record.ts";
import type { LinkOperation, LinkTurn } from "../link-step.ts";

/** Names the owner unless another pod's persistent link is there. */
export const trySet: LinkOperation<TrySetOp> = (turn) => {
  const { live, op } = turn;
  if (live !== undefined && live.persistent && live.podIndex !== op.owner.podIndex) {
    return turn.unchanged({ acquired: false, link: turn.link(live) });
  }
  const record = live?.podIndex === op.owner.podIndex ? over(live, turn) : named(turn);
  return turn.changed(record, { acquired: true, link: turn.link(record), ...turn.previous() });
};

/** Over a live link of the same pod index. */
function over(live: LinkRecord, turn: LinkTurn<TrySetOp>): LinkRecord {
  const { owner, lifetime } = turn.op;
  const asked = turn.expiry(lifetime);
  // A goodbye's rest says how long the user may come back, not how long what comes next lasts.
  const longer = live.kind === "goodbye" ? asked : longerOf(asked, live);
  if (live.kind !== "owned") return turn.named(owner, longer, "set");
  if (owner.incarnation === undefined) return live; // a reservation never beats an owner
  return owner.incarnation === live.incarnation ? { ...live, ...longer } : turn.named(owner, longer, "set");
}

function named(turn: LinkTurn<TrySetOp>): LinkRecord {
  return turn.named(turn.op.owner, turn.expiry(turn.op.lifetime), "set");
}
