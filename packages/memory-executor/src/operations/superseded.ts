import type { LinkOp, Superseded } from "@podlink/types";
import type { LinkTurn } from "../link-step.ts";

/** The first rule: against a live link of a higher incarnation of the same pod index an operation changes nothing. */
export function superseded(turn: LinkTurn): Superseded | undefined {
  const { live, op } = turn;
  if (live?.incarnation === undefined) return undefined;
  const actor = actorOf(op);
  if (actor?.incarnation === undefined || actor.podIndex !== live.podIndex) return undefined;
  return actor.incarnation < live.incarnation ? { superseded: true, link: turn.link(live) } : undefined;
}

/** Whose operation it is: the owner it names or, where it names none, the holder it expects. */
function actorOf(op: LinkOp): { readonly podIndex?: number; readonly incarnation?: number } | undefined {
  switch (op.kind) {
    case "get":
      return undefined;
    case "renew":
    case "remove":
      return op.expected;
    case "set":
    case "trySet":
    case "setIfAbsent":
    case "replace":
      return op.owner;
  }
}
