import type { Link, LinkKey, LinkKind } from "@podlink/types";
import { codeAt, makeLink, MAX_POD_INDEX, TOKEN_LIMIT } from "@podlink/types";

/** What is stored of one link: see lua/lib/record.lua, which reads and writes the same. */
export interface StoredLink {
  readonly podIndex: number;
  /** Undefined: a reservation, or the goodbye of one. */
  readonly incarnation: number | undefined;
  readonly token: number;
  readonly kind: LinkKind;
  readonly persistent: boolean;
  readonly expiresAtMs: number;
  /** What gave the record its token, or made it a goodbye: created, taken, set, replaced, goodbye. */
  readonly opKind: "c" | "t" | "s" | "m" | "g";
}

const FORMAT = /^([0-9]+)\|/;
const MAX_OP_ID = 10;
const ONE = 49;
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
  if (codeAt(text, from) !== ONE || codeAt(text, from + 1) !== BAR) {
    const format = FORMAT.exec(text.slice(from, to));
    return format !== null && Number(format[1]) > 1 ? "newer" : "broken";
  }
  // Step by step: a regular expression makes a list and a text for each part, and a read costs little more than this here.
  at = from + 2;
  const podIndex = nextNumber(text, to);
  const incarnation = nextNumber(text, to);
  const token = nextNumber(text, to);
  const expiresAtMs = nextNumber(text, to);
  const linkKind = nextCharacter(text, to);
  const kind = kindOf(linkKind);
  const hasOpId = isOpIdNext(text, to);
  const opKind = nextCharacter(text, to);
  const isOwned = linkKind === "o";
  if (kind === undefined || !hasOpId || !isOpKind(opKind)) return "broken";
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
    opKind,
  };
}

/** Up to where a record is read. One for all, as nothing comes between the parts of one: an object for each costs as much as two parts. */
let at = 0;

/** What stands before the next bar, as a whole number in base 36. NaN: it is none. */
function nextNumber(text: string, to: number): number {
  const start = at;
  let next = start;
  let number = 0;
  for (; next < to; next += 1) {
    const code = codeAt(text, next);
    if (code === BAR) break;
    number = number * 36 + (DIGITS[code] ?? Number.NaN);
  }
  at = next + 1;
  return next > start ? number : Number.NaN;
}

/** Whether it is an operation's id: 1 to 10 digits of base 36. */
function isOpIdNext(text: string, to: number): boolean {
  const start = at;
  return !Number.isNaN(nextNumber(text, to)) && at - 1 - start <= MAX_OP_ID;
}

/** The one character before the next bar. Empty: there is none, or more than one. */
function nextCharacter(text: string, to: number): string {
  const start = at;
  at = start + 2;
  const isOne = start < to && (start + 1 >= to || codeAt(text, start + 1) === BAR);
  return isOne ? String.fromCharCode(codeAt(text, start)) : "";
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

function isOpKind(text: string): text is StoredLink["opKind"] {
  switch (text) {
    case "c":
    case "t":
    case "s":
    case "m":
    case "g":
      return true;
    default:
      return false;
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
