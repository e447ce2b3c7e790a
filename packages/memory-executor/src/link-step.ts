import type { Expected, Lifetime, Link, LinkOp, Owner, ResultOf } from "@podlink/types";
import { refuse } from "@podlink/types";
import type { Expiry, LinkRecord, OpKind } from "./link-record.ts";
import { expiryOf, linkOf, liveAt } from "./link-record.ts";

/** What an operation needs to know besides the record: all that a model must be told instead of finding out. */
export interface LinkContext {
  /** The store's wall clock in ms since 1970: decides what is expired. */
  readonly nowMs: number;
  /** The same moment in us: the least that a new token is. */
  readonly nowUs: number;
  /** The highest token that this executor has seen on any link: a new one is higher. 0: none. */
  readonly highestToken: number;
  /** The id of this operation, when it brings none itself. */
  readonly opId: string;
  /** How long a persistent link is kept. */
  readonly ownedTtlMs: number;
}

/** An owned link that now names another pod. */
export interface LinkTaken {
  /** Who owned it: the one to be told. */
  readonly fromPodIndex: number;
  /** The link as it is now. */
  readonly link: Link;
}

/** What an operation did to one record. */
export interface LinkStep<O extends LinkOp = LinkOp> {
  /** The record afterwards; the very same object when nothing changed. Absent: none. */
  readonly record: LinkRecord | undefined;
  readonly result: ResultOf<O>;
  /** What is published. Absent: nothing. */
  readonly taken?: LinkTaken;
}

/** One way of carrying out an operation: its file is named after it. */
export type LinkOperation<O extends LinkOp> = (turn: LinkTurn<O>) => LinkStep<O>;

const ONE_DAY_US = 86_400_000_000;

/** The highest token that is believed at a moment: further ahead it can only be damage. */
export function highestBelievedToken(nowUs: number): number {
  return nowUs + ONE_DAY_US;
}

/** One operation meeting one record: what all operations are written with. */
export class LinkTurn<O extends LinkOp = LinkOp> {
  readonly op: O;
  readonly record: LinkRecord | undefined;
  readonly live: LinkRecord | undefined;
  readonly context: LinkContext;

  constructor(record: LinkRecord | undefined, op: O, context: LinkContext) {
    this.op = op;
    this.record = record;
    this.live = liveAt(record, context.nowMs);
    this.context = context;
  }

  link(record: LinkRecord): Link {
    return linkOf(this.op, record, this.context.nowMs);
  }

  /** The live link under the name that results have for it; nothing when there is none. */
  previous(): { readonly previous?: Link } {
    return this.live === undefined ? {} : { previous: this.link(this.live) };
  }

  expiry(lifetime: Lifetime): Expiry {
    return expiryOf(lifetime, this.context.nowMs, this.context.ownedTtlMs);
  }

  /** A record that names the owner under a new token. */
  named(owner: Owner, expiry: Expiry, opKind: OpKind): LinkRecord {
    return {
      podIndex: owner.podIndex,
      ...(owner.incarnation === undefined ? undefined : { incarnation: owner.incarnation }),
      token: this.#newToken(owner),
      kind: owner.incarnation === undefined ? "reservation" : "owned",
      ...expiry,
      opId: this.opId,
      opKind,
    };
  }

  get opId(): string {
    return (this.op.kind === "get" ? undefined : this.op.opId) ?? this.context.opId;
  }

  /** Nothing changes. */
  unchanged(result: ResultOf<O>): LinkStep<O> {
    return { record: this.record, result };
  }

  /** The record becomes `record`; an owned link taken from another pod is published. */
  changed(record: LinkRecord | undefined, result: ResultOf<O>): LinkStep<O> {
    const { live } = this;
    if (record === undefined || live?.kind !== "owned" || live.podIndex === record.podIndex) return { record, result };
    return { record, result, taken: { fromPodIndex: live.podIndex, link: this.link(record) } };
  }

  /** Strictly above everything known: what the link had (live or expired), what was seen, what is demanded, and the time. */
  #newToken(owner: Owner): number {
    const { nowUs, highestToken } = this.context;
    const floor = owner.tokenFloor === undefined ? 0 : Number(owner.tokenFloor);
    return Math.max((this.record?.token ?? 0) + 1, highestToken + 1, floor + 1, nowUs);
  }
}

/** Whether a record is what an operation expects; a part that is absent matches anything. */
export function matches(record: LinkRecord, expected: Expected): boolean {
  return (
    (expected.podIndex === undefined || expected.podIndex === record.podIndex) &&
    (expected.incarnation === undefined || expected.incarnation === record.incarnation) &&
    (expected.token === undefined || Number(expected.token) === record.token)
  );
}

/** @throws RouteError INVALID_ARGUMENT for a floor more than a day ahead of the store's clock. */
export function checkTokenFloor(owner: Owner, nowUs: number): void {
  if (owner.tokenFloor === undefined || Number(owner.tokenFloor) <= highestBelievedToken(nowUs)) return;
  refuse("tokenFloor", "at most one day ahead of the store's clock, in microseconds", owner.tokenFloor);
}
