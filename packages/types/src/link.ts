import { refuse } from "./values.ts";

/** Names one link: a uid of a service of a namespace. */
export interface LinkKey {
  readonly namespace: string;
  readonly service: string;
  readonly uid: string;
}

/**
 * What a link is:
 * - `reservation`: made for a pod by someone else (a caller, a failover, a move); the pod has not taken it; temporary as a rule;
 * - `owned`: taken by its pod; persistent;
 * - `goodbye`: was owned and is released with a grace; expires.
 */
export type LinkKind = "reservation" | "owned" | "goodbye";

/** The record (namespace, service, uid) -> pod. Frozen. */
export interface Link extends LinkKey {
  readonly podIndex: number;
  /** Which life of that pod index owns it. Absent: made for the pod by someone else, not yet taken by it. */
  readonly incarnation?: number;
  /** The fencing token: decimal text of a number < 2^53 that grows strictly for its link. Compare with {@link compareTokens}. */
  readonly token: string;
  readonly kind: LinkKind;
  /** How long it lasts, as of the reply, in milliseconds. Absent: persistent. */
  readonly expiresInMs?: number;
}

/** How long a link lasts: until removed, or for so many milliseconds. */
export type Lifetime = "persistent" | { readonly ttlMs: number };

/** The pod that a link is to name. */
export interface Owner {
  readonly podIndex: number;
  /** Present: the pod itself takes the link (owned, persistent only). Absent: a reservation for it. */
  readonly incarnation?: number;
  /** The new token is higher than this one: what a fenced storage has already seen. Absent: nothing known. */
  readonly tokenFloor?: string;
}

/** The pod that a link names: index and, when it took the link, incarnation. */
export type Holder = Pick<Link, "podIndex" | "incarnation">;

/** One more than the highest token there is. */
export const TOKEN_LIMIT: number = 2 ** 53;

/** Negative, 0 or positive, as `a` is lower than, equal to or higher than `b`. Tokens are compared as numbers, never as text. */
export function compareTokens(a: string, b: string): number {
  return Number(a) - Number(b);
}

/** Returns the value when it is a token. @throws RouteError INVALID_ARGUMENT */
export function checkToken(value: unknown, field = "token"): string {
  const valid = typeof value === "string" && /^(?:0|[1-9][0-9]{0,15})$/.test(value) && Number(value) < TOKEN_LIMIT;
  return valid ? value : refuse(field, "the decimal text of a number below 2^53", value);
}

/** A frozen link; undefined parts are left out. */
export function makeLink(parts: {
  readonly namespace: string;
  readonly service: string;
  readonly uid: string;
  readonly podIndex: number;
  readonly incarnation?: number | undefined;
  readonly token: string;
  readonly kind: LinkKind;
  readonly expiresInMs?: number | undefined;
}): Link {
  const { namespace, service, uid, podIndex, incarnation, token, kind, expiresInMs } = parts;
  const link: { -readonly [Part in keyof Link]: Link[Part] } = { namespace, service, uid, podIndex, token, kind };
  if (incarnation !== undefined) link.incarnation = incarnation;
  if (expiresInMs !== undefined) link.expiresInMs = expiresInMs;
  return Object.freeze(link);
}
