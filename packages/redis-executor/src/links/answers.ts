import type { Link, LinkOp } from "@podlink/types";
import { makeLink } from "@podlink/types";
import type { Outcome, ServicesOp, WireOp } from "./pending-op.ts";
import { refusalOf } from "./refusals.ts";
import type { StoredLink } from "./stored-link.ts";
import { linkOf, parseStoredLink } from "./stored-link.ts";
import type { StoredValues, WireAnswer } from "./wire.ts";
import { NONE, PLAIN } from "./wire.ts";

/** What a script's answer can't say by itself. */
export interface AnswerContext {
  /** Whether the answers are values as they are stored, NONE where there is none. */
  readonly areStored: boolean;
  readonly nowMs: number;
  /** The token of a new link whose answer is PLAIN. */
  readonly token: number;
  /** Hears of the token of every live link that was read or made. */
  readonly seen: (token: number) => void;
  /** Hears of each value that was read here and is broken. */
  readonly broken: () => void;
}

type Mutation = Exclude<LinkOp, { kind: "get" }>;

/** What the answer to an operation means. */
export function decodeAnswer(op: WireOp, answer: WireAnswer, context: AnswerContext): Outcome {
  if (context.areStored && op.kind === "get") {
    return answer === NONE ? { value: undefined } : decodeStored(op, answer as string, context);
  }
  if (op.kind === "setIfAbsent" && answer === PLAIN) {
    return { value: Object.freeze({ created: true, link: plainLink(op, context) }) };
  }
  if (typeof answer === "string" && answer.startsWith("e")) return { error: refusalOf(op, answer.slice(1)) };
  if (op.kind === "services") return decodeServices(op, answer as readonly string[], context);
  if (op.kind === "get") return decodeGet(op, answer as string, context);
  return { value: Object.freeze(decodeMutation(op, answer as string, context)) };
}

function decodeGet(op: Extract<LinkOp, { kind: "get" }>, answer: string, context: AnswerContext): Outcome {
  return answer.startsWith("v") ? decodeStored(op, answer.slice(1), context) : { value: undefined };
}

function decodeStored(op: Extract<LinkOp, { kind: "get" }>, value: string, context: AnswerContext): Outcome {
  const stored = readValue(context, value);
  if (stored === "newer") return { error: refusalOf(op, "NEWER") };
  return { value: stored === undefined ? undefined : linkOf(op, stored, context.nowMs) };
}

/** The pod that a value names, as it is stored. Undefined: no live link is there; "newer": it can't be read here. */
export function podIn(values: StoredValues, index: number, context: AnswerContext): number | undefined | "newer" {
  const start = values.startOf(index);
  const end = values.endOf(index);
  if (end - start === NONE.length && values.text.startsWith(NONE, start)) return undefined;
  const stored = readValue(context, values.text, start, end);
  return stored === "newer" ? stored : stored?.podIndex;
}

function decodeServices(op: ServicesOp, fields: readonly string[], context: AnswerContext): Outcome {
  const links = new Map<string, Link>();
  for (let at = 0; at < fields.length; at += 2) {
    const service = fields[at] as string;
    const stored = readValue(context, fields[at + 1] as string);
    if (stored === "newer") return { error: refusalOf(op, "NEWER") };
    if (stored !== undefined) links.set(service, linkOf({ ...op, service }, stored, context.nowMs));
  }
  return { value: links };
}

/** A value that wasn't judged by the script. Undefined: broken or expired. */
function readValue(
  { nowMs, seen, broken }: AnswerContext,
  text: string,
  from?: number,
  to?: number,
): StoredLink | "newer" | undefined {
  const stored = parseStoredLink(text, from, to);
  if (stored === "broken") {
    broken();
    return undefined;
  }
  if (stored === "newer") return stored;
  if (stored.expiresAtMs <= nowMs) return undefined;
  seen(stored.token);
  return stored;
}

function decodeMutation(op: Mutation, answer: string, context: AnswerContext): object {
  if (answer === PLAIN) return op.kind === "remove" ? { removed: true } : done(op, { link: plainLink(op, context) });
  if (answer === NONE) return refused(op);
  const [stored, previous] = answer
    .slice(1)
    .split("\n")
    .map((value) => parseStoredLink(value) as StoredLink) as [StoredLink, StoredLink?];
  context.seen(stored.token);
  const link = linkOf(op, stored, context.nowMs);
  switch (answer.slice(0, 1)) {
    case "d":
      return done(op, previous === undefined ? { link } : { link, previous: linkOf(op, previous, context.nowMs) });
    case "t":
      return { created: false, taken: true, link };
    case "n":
      return refused(op, link);
    case "r":
      if (op.kind === "remove") return { removed: true, repeated: true };
      if (stored.opKind === "t") return { created: false, taken: true, link, repeated: true };
      return { ...done(op, { link }), repeated: true };
    case "s":
      return { superseded: true, link };
    default:
      throw new Error(`no such answer: ${answer.slice(0, 1)}`);
  }
}

/** It was carried out: under the name that this has for each operation. */
function done({ kind }: Mutation, links: { readonly link: Link; readonly previous?: Link }): object {
  switch (kind) {
    case "set":
      return links;
    case "trySet":
      return { acquired: true, ...links };
    case "setIfAbsent":
      return { created: true, ...links };
    case "replace":
      return { replaced: true, ...links };
    case "renew":
      return { renewed: true, ...links };
    case "remove":
      return { removed: true };
  }
}

/** It changed nothing, for the link that is there. Absent: there is none. */
function refused({ kind }: Mutation, link?: Link): object {
  const found = link === undefined ? undefined : { link };
  switch (kind) {
    case "trySet":
      return { acquired: false, ...found };
    case "setIfAbsent":
      return { created: false, ...found };
    case "replace":
      return { replaced: false, ...found };
    case "renew":
      return { renewed: false, ...found };
    case "remove":
      return { removed: false, ...found };
    case "set":
      throw new Error("set is never refused");
  }
}

/** The link that an operation made exactly as it was asked to. */
function plainLink(op: Mutation, { token, seen }: AnswerContext): Link {
  if (!("owner" in op)) throw new Error(`${op.kind} makes no link`);
  seen(token);
  const { owner, lifetime, namespace, service, uid } = op;
  return makeLink({
    namespace,
    service,
    uid,
    podIndex: owner.podIndex,
    incarnation: owner.incarnation,
    token: String(token),
    kind: owner.incarnation === undefined ? "reservation" : "owned",
    expiresInMs: lifetime === "persistent" ? undefined : lifetime.ttlMs,
  });
}
