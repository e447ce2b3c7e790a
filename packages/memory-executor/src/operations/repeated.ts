import type { LinkOp, LinkOpKind, ResultOf } from "@podlink/types";
import type { OpKind } from "../link-record.ts";
import type { LinkTurn } from "../link-step.ts";

/** Which marks an operation of each kind leaves in a record. Those that leave none can simply run again. */
const MARKS: Readonly<Record<LinkOpKind, readonly OpKind[]>> = {
  get: [],
  set: ["set"],
  trySet: ["set"],
  setIfAbsent: ["created", "taken"],
  replace: ["replaced"],
  renew: [],
  remove: ["goodbye"],
};

/** The answer of an operation that finds its own mark in the live link: it ran before. Undefined: it didn't. */
export function repeated<O extends LinkOp>(turn: LinkTurn<O>): ResultOf<O> | undefined {
  const { live, op } = turn;
  if (live === undefined || live.opId !== turn.opId || !MARKS[op.kind].includes(live.opKind)) return undefined;
  const link = turn.link(live);
  return {
    created: { created: true, link, repeated: true },
    taken: { created: false, taken: true, link, repeated: true },
    set: op.kind === "trySet" ? { acquired: true, link, repeated: true } : { link, repeated: true },
    replaced: { replaced: true, link, repeated: true },
    goodbye: { removed: true, repeated: true },
  }[live.opKind] as ResultOf<O>;
}
