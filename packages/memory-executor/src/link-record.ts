import type { Lifetime, Link, LinkKey, LinkKind } from "@podlink/types";
import { makeLink } from "@podlink/types";

/** What the operation did that gave a record its token or made it a goodbye: enough to answer a repeat. */
export type OpKind = "created" | "taken" | "set" | "replaced" | "goodbye";

/** What is stored of one link. Expired ones stay until they are swept: they keep the tokens growing. */
export interface LinkRecord {
  readonly podIndex: number;
  /** Absent: a reservation. */
  readonly incarnation?: number;
  readonly token: number;
  readonly kind: LinkKind;
  /** Persistent for routing; `expiresAtMs` only frees it one day. An owned link always is, a goodbye never. */
  readonly persistent: boolean;
  /** By the store's wall clock. The link lives before this moment, and no more at it. */
  readonly expiresAtMs: number;
  readonly opId: string;
  readonly opKind: OpKind;
}

/** The two parts of a record that say how long it lasts. */
export type Expiry = Pick<LinkRecord, "persistent" | "expiresAtMs">;

/** The record when it is there and not expired. */
export function liveAt(record: LinkRecord | undefined, nowMs: number): LinkRecord | undefined {
  return record !== undefined && nowMs < record.expiresAtMs ? record : undefined;
}

/** When a lifetime that begins now ends. */
export function expiryOf(lifetime: Lifetime, nowMs: number, ownedTtlMs: number): Expiry {
  return lifetime === "persistent"
    ? { persistent: true, expiresAtMs: nowMs + ownedTtlMs }
    : { persistent: false, expiresAtMs: nowMs + lifetime.ttlMs };
}

/** The longer of both; persistent is longer than any time. */
export function longerOf(one: Expiry, other: Expiry): Expiry {
  return {
    persistent: one.persistent || other.persistent,
    expiresAtMs: Math.max(one.expiresAtMs, other.expiresAtMs),
  };
}

/** The link that a record says, as of now. */
export function linkOf({ namespace, service, uid }: LinkKey, record: LinkRecord, nowMs: number): Link {
  return makeLink({
    namespace,
    service,
    uid,
    podIndex: record.podIndex,
    incarnation: record.incarnation,
    token: String(record.token),
    kind: record.kind,
    expiresInMs: record.persistent ? undefined : record.expiresAtMs - nowMs,
  });
}
