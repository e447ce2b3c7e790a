import type { Link, LinkOp, ResultOf } from "@podlink/types";
import { isSuperseded } from "@podlink/types";

/** A link in an answer. */
export interface AnsweredLink {
  readonly link: Link;
  /** The operation gave the link this very token: nobody else's may ever have done so. */
  readonly made: boolean;
}

/**
 * The link that held when an operation was carried out; none when there is none. `previous` is left out: it held before,
 * and the operation overtook it.
 */
export function linkOf(op: LinkOp, result: ResultOf<LinkOp>): AnsweredLink | undefined {
  if (result === undefined) return undefined;
  if ("token" in result) return { link: result, made: false };
  if (isSuperseded(result)) return { link: result.link, made: false };
  if (!("link" in result) || result.link === undefined) return undefined;
  return { link: result.link, made: !("repeated" in result) && hasMade(op, result) };
}

/** Whether the answer proves that this operation made the token. */
function hasMade(op: LinkOp, result: Exclude<ResultOf<LinkOp>, Link | undefined>): boolean {
  if ("created" in result) return result.created || "taken" in result;
  if ("replaced" in result) return result.replaced;
  if (op.kind === "set") return true;
  // A link of the very same life keeps its token.
  return "acquired" in result && result.acquired && result.previous?.token !== result.link.token;
}
