import type { RenewOp } from "@podlink/types";
import { longerOf } from "../link-record.ts";
import type { LinkOperation } from "../link-step.ts";
import { matches } from "../link-step.ts";

/** Moves the expiry of a link that matches forward; its token stays. */
export const renew: LinkOperation<RenewOp> = (turn) => {
  const { live, op } = turn;
  if (live === undefined) return turn.unchanged({ renewed: false });
  // A goodbye ends one day: an owner's late verification must not make it last.
  const revives = live.kind === "goodbye" && op.lifetime === "persistent";
  if (revives || !matches(live, op.expected)) return turn.unchanged({ renewed: false, link: turn.link(live) });
  const record = { ...live, ...longerOf(live, turn.expiry(op.lifetime)) };
  return turn.changed(record, { renewed: true, link: turn.link(record) });
};
