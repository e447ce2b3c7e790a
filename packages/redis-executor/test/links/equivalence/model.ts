import type { LinkContext, LinkRecord } from "@podlink/memory-executor";
import { applyLinkOp } from "@podlink/memory-executor";
import type { Link, LinkKey, LinkOp } from "@podlink/types";
import { RouteError } from "@podlink/types";

export const OWNED_TTL_MS = 60_000;
const ONE_DAY_US = 86_400_000_000;

export type ModelAnswer = { readonly value: unknown } | { readonly code: string };

/** The links as memory keeps them, each operation told everything that a store finds out by itself. */
export class LinkModel {
  readonly records = new Map<string, LinkRecord>();
  #highestToken = 0;

  /** The operations of one turn: all see the highest token that was known before. */
  applyAll(ops: readonly LinkOp[], nowMs: number): ModelAnswer[] {
    const context = { nowMs, nowUs: nowMs * 1000, highestToken: this.#highestToken, ownedTtlMs: OWNED_TTL_MS };
    return ops.map((op) => this.#apply(op, { ...context, opId: "made" }));
  }

  #apply(op: LinkOp, context: LinkContext): ModelAnswer {
    const key = keyOf(op);
    try {
      const { record, result } = applyLinkOp(this.records.get(key), op, context);
      if (record === undefined) this.records.delete(key);
      else this.records.set(key, record);
      this.#see(result, record, context.nowUs);
      return { value: result };
    } catch (error) {
      return { code: RouteError.from(error).code };
    }
  }

  /** What an executor learns of tokens: those that stand in replies; a repeat is answered with the record, whatever it is. */
  #see(result: unknown, record: LinkRecord | undefined, nowUs: number): void {
    const parts = result as { readonly token?: string; readonly link?: Link; readonly repeated?: true } | undefined;
    const token = parts?.repeated === true ? record?.token : Number(parts?.token ?? parts?.link?.token ?? 0);
    if (token !== undefined && token <= nowUs + ONE_DAY_US) this.#highestToken = Math.max(this.#highestToken, token);
  }
}

export function keyOf({ service, uid }: LinkKey): string {
  return `${uid}/${service}`;
}
