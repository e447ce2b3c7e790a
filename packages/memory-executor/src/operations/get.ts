import type { GetOp } from "@podlink/types";
import type { LinkOperation } from "../link-step.ts";

/** Reads the live link. */
export const get: LinkOperation<GetOp> = (turn) =>
  turn.unchanged(turn.live === undefined ? undefined : turn.link(turn.live));
