import type { Link, LinkKey, LinkKind } from "@podlink/types";
import { makeLink, MAX_POD_INDEX, TOKEN_LIMIT } from "@podlink/types";

/** What is stored of one link: see lua/lib/record.lua, which reads and writes the same. */
export interface StoredLink {
  readonly podIndex: number;
  /** Undefined: a reservation, or the goodbye of one. */
  readonly incarnation: number | undefined;
  readonly token: number;
  readonly kind: LinkKind;
  readonly persistent: boolean;
  readonly expiresAtMs: number;
  readonly opId: string;
  /** What gave the record its token, or made it a goodbye: created, taken, set, replaced, goodbye. */
  readonly opKind: "c" | "t" | "s" | "m" | "g";
}

const RECORD = /^1\|([0-9a-z]+)\|([0-9a-z]+)\|([0-9a-z]+)\|([0-9a-z]+)\|([orRg])\|([0-9a-z]{1,10})\|([ctsmg])(?:$|\|)/;
const FORMAT = /^([0-9]+)\|/;
const KINDS = { o: "owned", r: "reservation", R: "reservation", g: "goodbye" } as const;

/**
 * The link that a stored value says. "broken": a value of our format that can't be one, which counts as absent; "newer":
 * one of a newer format, which nobody touches.
 */
export function parseStoredLink(value: string): StoredLink | "broken" | "newer" {
  const parts = RECORD.exec(value);
  if (parts === null) {
    const format = FORMAT.exec(value);
    return format !== null && Number(format[1]) > 1 ? "newer" : "broken";
  }
  const podIndex = base36(parts[1]);
  const incarnation = base36(parts[2]);
  const token = base36(parts[3]);
  const expiresAtMs = base36(parts[4]);
  const kind = parts[5] as keyof typeof KINDS;
  const isOwned = kind === "o";
  const fits = podIndex <= MAX_POD_INDEX && incarnation < TOKEN_LIMIT && token < TOKEN_LIMIT;
  if (!fits || expiresAtMs > 2 * TOKEN_LIMIT || (kind !== "g" && isOwned !== incarnation > 0)) return "broken";
  return {
    podIndex,
    incarnation: incarnation === 0 ? undefined : incarnation,
    token,
    kind: KINDS[kind],
    persistent: isOwned || kind === "R",
    expiresAtMs,
    opId: parts[6] as string,
    opKind: parts[7] as StoredLink["opKind"],
  };
}

function base36(text: string | undefined): number {
  return Number.parseInt(text ?? "", 36);
}

/** The link as of a moment of the store. */
export function linkOf({ namespace, service, uid }: LinkKey, stored: StoredLink, nowMs: number): Link {
  return makeLink({
    namespace,
    service,
    uid,
    podIndex: stored.podIndex,
    incarnation: stored.incarnation,
    token: String(stored.token),
    kind: stored.kind,
    expiresInMs: stored.persistent ? undefined : stored.expiresAtMs - nowMs,
  });
}
