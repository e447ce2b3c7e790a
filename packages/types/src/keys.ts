/**
 * The names under which a store keeps things. Every part is percent-encoded outside `[A-Za-z0-9._-]`, so that no uid,
 * tag or name can reach another's key or hash slot: `a}b`, `a/b` and `a%7Db` are three users.
 */

import { codeAt } from "./code-at.ts";

const PLAIN = /^[A-Za-z0-9._-]*$/;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

const encoder = new TextEncoder();

/** Percent-encodes the UTF-8 bytes of a part of a key. Injective over well-formed text. */
export function encodeKeyPart(part: string): string {
  if (PLAIN.test(part)) return part;
  let encoded = "";
  for (const byte of encoder.encode(part)) {
    const character = String.fromCharCode(byte);
    encoded +=
      byte < 0x80 && PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/**
 * The bucket of a uid: FNV-1a (32 bits) of its UTF-8 bytes, modulo the number of buckets. Users of one bucket share a
 * hash slot, so that one script carries many of them.
 * @see http://www.isthe.com/chongo/tech/comp/fnv/
 */
export function bucketOf(uid: string, linkBuckets: number): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < uid.length; index += 1) {
    const code = codeAt(uid, index);
    if (code > 0x7f) return fnv1a(encoder.encode(uid)) % linkBuckets;
    hash = Math.imul(hash ^ code, FNV_PRIME);
  }
  return (hash >>> 0) % linkBuckets;
}

/** The key of all links of a uid: `pl:{<namespace>/<bucket>}<uid>`; the service is the field within it. */
export function linkKey(prefix: string, namespace: string, uid: string, linkBuckets: number): string {
  return `${prefix}:{${encodeKeyPart(namespace)}/${bucketOf(uid, linkBuckets)}}${encodeKeyPart(uid)}`;
}

/** The keys of a service: all in one hash slot. */
export type ServiceKeyName = "pods" | "beats" | "changes" | "workload" | "meta" | "events";

/** The key of a part of a service's state: `pl:{<namespace>/<service>}:pods`. */
export function serviceKey(prefix: string, namespace: string, service: string, name: ServiceKeyName): string {
  return `${prefix}:{${encodeKeyPart(namespace)}/${encodeKeyPart(service)}}:${name}`;
}

/** The key of what belongs to a whole namespace: `pl:{<namespace>}:tags`. */
export function namespaceKey(prefix: string, namespace: string, name: "meta" | "tags"): string {
  return `${prefix}:{${encodeKeyPart(namespace)}}:${name}`;
}

function fnv1a(bytes: Uint8Array): number {
  let hash = FNV_OFFSET;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash >>> 0;
}
