import type { LinkOp, LinkOpKind, ResultOf } from "@podlink/types";
import type { LinkRecord } from "./link-record.ts";
import type { LinkContext, LinkOperation, LinkStep } from "./link-step.ts";
import { checkTokenFloor, LinkTurn } from "./link-step.ts";
import { get } from "./operations/get.ts";
import { remove } from "./operations/remove.ts";
import { renew } from "./operations/renew.ts";
import { repeated } from "./operations/repeated.ts";
import { replace } from "./operations/replace.ts";
import { set } from "./operations/set.ts";
import { setIfAbsent } from "./operations/setIfAbsent.ts";
import { superseded } from "./operations/superseded.ts";
import { trySet } from "./operations/trySet.ts";

const operations: { readonly [K in LinkOpKind]: LinkOperation<Extract<LinkOp, { kind: K }>> } = {
  get,
  set,
  trySet,
  setIfAbsent,
  replace,
  renew,
  remove,
};

/**
 * What an operation does to the record of its link: a pure function, the model of every store.
 * The operation must have passed `checkLinkOp`. Results are frozen.
 * @param record what is stored, live or expired. Absent: nothing.
 * @throws RouteError INVALID_ARGUMENT for a token floor more than a day ahead of the store's clock.
 */
export function applyLinkOp<O extends LinkOp>(
  record: LinkRecord | undefined,
  op: O,
  context: LinkContext,
): LinkStep<O> {
  if ("owner" in op) checkTokenFloor(op.owner, context.nowUs);
  const turn = new LinkTurn(record, op, context);
  const answered = repeated(turn) ?? (superseded(turn) as ResultOf<O> | undefined);
  const step = answered === undefined ? operationOf(op)(turn) : turn.unchanged(answered);
  Object.freeze(step.result);
  return step;
}

function operationOf<O extends LinkOp>(op: O): LinkOperation<O> {
  return operations[op.kind] as unknown as LinkOperation<O>; // the table's type pairs each kind with its operation
}
