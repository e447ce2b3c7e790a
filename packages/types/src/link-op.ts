import type { Lifetime, Link, LinkKey, Owner } from "./link.ts";

/**
 * The link operations: one union for the stores, the codec, batching, repeats and the checker.
 * "Live" means there and not expired, judged by the store. What each does on which link is the table in docs/semantics.md.
 */
export type LinkOp = GetOp | SetOp | TrySetOp | SetIfAbsentOp | ReplaceOp | RenewOp | RemoveOp;
export type LinkOpKind = LinkOp["kind"];

/** A mutation carries an id; a repeat with the same id is answered from the record and changes nothing. */
interface Mutation extends LinkKey {
  /** At most 10 characters of a-z, 0-9. Absent: the store makes one for each call. */
  readonly opId?: string;
}

/** Reads the live link. */
export interface GetOp extends LinkKey {
  readonly kind: "get";
}

/** Names the owner, whoever holds the link now. */
export interface SetOp extends Mutation {
  readonly kind: "set";
  readonly owner: Owner;
  readonly lifetime: Lifetime;
}

/** Names the owner unless another pod's persistent link is there. */
export interface TrySetOp extends Mutation {
  readonly kind: "trySet";
  readonly owner: Owner;
  readonly lifetime: Lifetime;
}

/** Names the owner when there is no link; takes what was reserved for its pod. */
export interface SetIfAbsentOp extends Mutation {
  readonly kind: "setIfAbsent";
  readonly owner: Owner;
  readonly lifetime: Lifetime;
  /** With a ttl only: moves the expiry of another pod's reservation forward. Absent: false. */
  readonly renew?: boolean;
}

/** Names the owner when the link has the expected token, or there is none. */
export interface ReplaceOp extends Mutation {
  readonly kind: "replace";
  readonly expectedToken: string;
  readonly owner: Owner;
  readonly lifetime: Lifetime;
}

/** Moves the expiry of a link that matches forward; its token stays. */
export interface RenewOp extends Mutation {
  readonly kind: "renew";
  readonly expected: Expected;
  readonly lifetime: Lifetime;
}

/** Ends a link that matches. `graceMs` 0: at once. Otherwise a persistent link becomes a goodbye that ends then. */
export interface RemoveOp extends Mutation {
  readonly kind: "remove";
  readonly graceMs: number;
  /** Absent: whatever is there. */
  readonly expected?: Expected;
}

/** What a live link must be for an operation to touch it; each part is optional, an absent one matches anything. */
export interface Expected {
  readonly podIndex?: number;
  readonly incarnation?: number;
  readonly token?: string;
}

/** The same pod index has registered again since: nothing was changed. */
export interface Superseded {
  readonly superseded: true;
  readonly link: Link;
}

/** Present when the answer comes from the record of an earlier try of the same operation; `previous` is then not known. */
interface Repeatable {
  readonly repeated?: true;
}

export type GetResult = Link | undefined;

export interface SetDone extends Repeatable {
  readonly link: Link;
  /** The live link that was there before. */
  readonly previous?: Link;
}
export type SetResult = SetDone | Superseded;

export type TrySetResult =
  | ({ readonly acquired: true; readonly link: Link; readonly previous?: Link } & Repeatable)
  | { readonly acquired: false; readonly link: Link }
  | Superseded;

export type SetIfAbsentResult =
  | ({ readonly created: true; readonly link: Link } & Repeatable)
  /** `taken`: the owner took the link of its own pod index under a new token. */
  | ({ readonly created: false; readonly taken?: true; readonly link: Link } & Repeatable)
  | Superseded;

export type ReplaceResult =
  | ({ readonly replaced: true; readonly link: Link; readonly previous?: Link } & Repeatable)
  | { readonly replaced: false; readonly link: Link }
  | Superseded;

export type RenewResult =
  | { readonly renewed: true; readonly link: Link }
  | { readonly renewed: false; readonly link?: Link }
  | Superseded;

export type RemoveResult =
  | ({ readonly removed: true } & Repeatable)
  | { readonly removed: false; readonly link?: Link }
  | Superseded;

interface Results {
  readonly get: GetResult;
  readonly set: SetResult;
  readonly trySet: TrySetResult;
  readonly setIfAbsent: SetIfAbsentResult;
  readonly replace: ReplaceResult;
  readonly renew: RenewResult;
  readonly remove: RemoveResult;
}

/** The answer to an operation. */
export type ResultOf<O extends LinkOp> = Results[O["kind"]];

/** Whether the store refused because a newer incarnation of the same pod holds the link. */
export function isSuperseded(result: ResultOf<LinkOp>): result is Superseded {
  return result !== undefined && "superseded" in result;
}
