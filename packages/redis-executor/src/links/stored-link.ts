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

const FORMAT = /^([0-9]+)\|/;
const OP_KINDS = "ctsmg";
const MAX_OP_ID = 10;
const BAR = 124;
/** What a character of ASCII is worth in base 36; NaN: nothing. Looked up, as no processor can guess whether a digit or a letter is next. */
const DIGITS = Float64Array.from({ length: 128 }, (_, code) =>
  /[0-9a-z]/.test(String.fromCharCode(code)) ? Number.parseInt(String.fromCharCode(code), 36) : Number.NaN,
);

/**
 * The link that a stored value says. "broken": a value of our format that can't be one, which counts as absent; "newer":
 * one of a newer format, which nobody touches.
 * @param from where the value begins in a text that holds more, and `to` where it ends
 */
export function parseStoredLink(text: string, from = 0, to: number = text.length): StoredLink | "broken" | "newer" {
  if (!text.startsWith("1|", from)) {
    const format = FORMAT.exec(text.slice(from, to));
    return format !== null && Number(format[1]) > 1 ? "newer" : "broken";
  }
  // Step by step: a regular expression makes a list and a text for each part, and a read costs little more than this here.
  const parts = new Parts(text, from + 2, to);
  const podIndex = parts.number();
  const incarnation = parts.number();
  const token = parts.number();
  const expiresAtMs = parts.number();
  const linkKind = parts.character();
  const kind = kindOf(linkKind);
  const opId = parts.opId();
  const opKind = parts.character();
  const isOwned = linkKind === "o";
  if (kind === undefined || opId === undefined || opKind === "" || !OP_KINDS.includes(opKind)) return "broken";
  const fits = podIndex <= MAX_POD_INDEX && incarnation < TOKEN_LIMIT && token < TOKEN_LIMIT;
  // Compared so that what is no number fits nowhere.
  if (!fits || !(expiresAtMs <= 2 * TOKEN_LIMIT) || (kind !== "goodbye" && isOwned !== incarnation > 0))
    return "broken";
  return {
    podIndex,
    incarnation: incarnation === 0 ? undefined : incarnation,
    token,
    kind,
    persistent: isOwned || linkKind === "R",
    expiresAtMs,
    opId,
    opKind: opKind as StoredLink["opKind"],
  };
}

/** Reads what stands between the bars of a record, after its format. */
class Parts {
  readonly #text: string;
  readonly #end: number;
  #at: number;

  constructor(text: string, from: number, to: number) {
    this.#text = text;
    this.#at = from;
    this.#end = to;
  }

  /** A whole number in base 36. NaN: it is none. */
  number(): number {
    const text = this.#text;
    const end = this.#end;
    const start = this.#at;
    let at = start;
    let number = 0;
    for (; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code === BAR) break;
      number = number * 36 + (DIGITS[code] ?? Number.NaN);
    }
    this.#at = at + 1;
    return at > start ? number : Number.NaN;
  }

  /** 1 to 10 digits of base 36. Undefined: it is none. */
  opId(): string | undefined {
    const start = this.#at;
    const isId = !Number.isNaN(this.number()) && this.#at - 1 - start <= MAX_OP_ID;
    return isId ? this.#text.slice(start, this.#at - 1) : undefined;
  }

  /** Empty: what comes next is none, or more than one. */
  character(): string {
    const at = this.#at;
    this.#at = at + 2;
    const isLast = at + 1 >= this.#end || this.#text.charCodeAt(at + 1) === BAR;
    return isLast && at < this.#end ? this.#text.charAt(at) : "";
  }
}

function kindOf(linkKind: string): LinkKind | undefined {
  switch (linkKind) {
    case "o":
      return "owned";
    case "r":
    case "R":
      return "reservation";
    case "g":
      return "goodbye";
    default:
      return undefined;
  }
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
