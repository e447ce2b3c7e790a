import type { SetOp } from "@podlink/types";
import type { LinkOperation } from "../link-step.ts";

/** Names the owner, whoever holds the link. */
export const set: LinkOperation<SetOp> = (turn) => {
  const { owner, lifetime } = turn.op;
  const record = turn.named(owner, turn.expiry(lifetime), "set");
  return turn.changed(record, { link: turn.link(record), ...turn.previous() });
};
