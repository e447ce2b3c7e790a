import type { Script } from "@podlink/lua";
import { scripts } from "@podlink/lua";
import type { Expected } from "@podlink/types";
import type { OpIds } from "./op-ids.ts";
import type { PendingOp } from "./pending-op.ts";
import { PendingReads } from "./pending-reads.ts";
import type { Batch, Run } from "./runs.ts";

/**
 * The one file that knows how operations travel to lua/createLinks.lua, lua/linkOps.lua and lua/linkOpsFreeing.lua; their
 * headers say the same from the other side.
 */

/** What a call tells the script besides its operations. */
export interface WireContext {
  /** The store's time, given by tests. Undefined: the store looks itself. */
  readonly nowMs: number | undefined;
  /** A new token is at least this. */
  readonly leastToken: number;
  readonly ownedTtlMs: number;
  /** Asked for each run that needs an id and has none. */
  readonly opIds: Pick<OpIds, "next">;
}

export interface WireCall {
  readonly script: Script;
  readonly keys: string[];
  readonly args: string[];
}

/** A reply, taken apart: answers are still as the script gave them. */
export interface WireReply {
  readonly nowUs: number;
  readonly brokenValues: number;
  /** For each run. Undefined: all of the run are PLAIN. */
  readonly runs: readonly (RunAnswers | undefined)[];
}

/** For each operation of a run. */
export type RunAnswers = readonly WireAnswer[] | StoredValues;

/** Values that were read, as they are stored, NONE where there is none: left in the text in which they came, a line each. */
export class StoredValues {
  readonly text: string;
  /** Where each begins; one more, for where the last one ends. */
  readonly #starts: number[] = [ALL_STORED.length];

  constructor(text: string) {
    this.text = text;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) this.#starts.push(end + 1);
    this.#starts.push(text.length + 1);
  }

  get length(): number {
    return this.#starts.length - 1;
  }

  /** Where in the text one begins. */
  startOf(index: number): number {
    return this.#starts[index] as number;
  }

  endOf(index: number): number {
    return (this.#starts[index + 1] as number) - 1;
  }

  at(index: number): string {
    return this.text.slice(this.startOf(index), this.endOf(index));
  }
}

/** A code and what belongs to it; of `services` a list of services and values. */
export type WireAnswer = string | readonly string[];

/** "Carried out as asked, and there was nothing before." */
export const PLAIN = "1";
/** In place of the answers of a run: each is PLAIN. */
const ALL_PLAIN = "*";
const RUN_OF_PLAIN = [undefined];
/** In place of the answers of a run of reads: before all that is stored, a line each. */
const ALL_STORED = "=";
/** No link is there. */
export const NONE = "0";
const NO_FLOOR = "0";

export function encodeBatch(batch: Batch, context: WireContext): WireCall {
  const creation = creationOf(batch);
  if (creation !== undefined) return encodeCreation(creation, context);
  const keys: string[] = [];
  const args = [context.nowMs === undefined ? "" : String(context.nowMs * 1000)];
  if (!batch.isFreeing) args.push(String(context.leastToken));
  args.push(String(context.ownedTtlMs));
  for (const run of batch.runs) {
    encodeHead(run, args, context);
    const reads = run.ops[0];
    if (reads instanceof PendingReads) {
      for (const key of reads.keys) keys.push(key);
      continue;
    }
    for (const pending of run.ops) {
      keys.push(pending.key);
      encodeOp(pending, args);
    }
  }
  return { script: batch.isFreeing ? scripts.linkOpsFreeing : scripts.linkOps, keys, args };
}

/** What createLinks.lua carries out, if the batch is nothing else. A floor may be refused: linkOps.lua looks at it. */
function creationOf({ runs }: Batch): Run | undefined {
  const [run] = runs;
  return runs.length === 1 && run?.kind === "setIfAbsent" && run.tokenFloor === undefined ? run : undefined;
}

function encodeCreation(run: Run, context: WireContext): WireCall {
  const { ops, lane, incarnation, spanMs } = run;
  const kind = incarnation !== undefined ? "o" : spanMs === undefined ? "R" : "r";
  const keys: string[] = [];
  const args = [
    String(context.leastToken),
    lane.service,
    String(spanMs ?? context.ownedTtlMs),
    incarnation === undefined ? "|0|" : `|${base36(incarnation)}|`,
    `|${kind}|${idOf(run, context)}|`,
  ];
  for (const pending of ops) {
    keys.push(pending.key);
    encodeOp(pending, args);
  }
  if (run.renew || context.nowMs !== undefined) args.push(run.renew ? "1" : "");
  if (context.nowMs !== undefined) args.push(String(context.nowMs * 1000));
  return { script: scripts.createLinks, keys, args };
}

function encodeHead(run: Run, args: string[], context: WireContext): void {
  const { kind, lane } = run;
  args.push(kind, String(run.size), kind === "services" ? "" : lane.service);
  if (kind === "get" || kind === "services") return;
  const span = run.spanMs === undefined ? "" : String(run.spanMs);
  if (kind === "renew") {
    args.push(span, "");
    return;
  }
  const opId = idOf(run, context);
  if (kind === "remove") {
    args.push(span, opId);
    return;
  }
  const rest = kind !== "setIfAbsent" ? lane.channel : run.renew ? "1" : "";
  args.push(base36(run.incarnation ?? 0), span, run.tokenFloor ?? NO_FLOOR, opId, rest);
}

/** The id under which a run is carried out: from the first try on that of each of its operations. */
function idOf(run: Run, context: WireContext): string {
  if (run.opId === undefined) {
    run.opId = context.opIds.next();
    for (const pending of run.ops) pending.opId = run.opId;
  }
  return run.opId;
}

function encodeOp({ op }: PendingOp, args: string[]): void {
  switch (op.kind) {
    case "get":
    case "services":
      return;
    case "set":
    case "trySet":
    case "setIfAbsent":
      args.push(podText(op.owner.podIndex));
      return;
    case "replace":
      args.push(podText(op.owner.podIndex), base36(Number(op.expectedToken)));
      return;
    case "renew":
    case "remove":
      encodeExpected(op.expected ?? {}, args);
  }
}

function encodeExpected({ podIndex, incarnation, token }: Expected, args: string[]): void {
  args.push(
    podIndex === undefined ? "" : base36(podIndex),
    incarnation === undefined ? "" : base36(incarnation),
    token === undefined ? "" : base36(Number(token)),
  );
}

/** The least token of a run's new links, as the script makes it: what a PLAIN answer leaves out. */
export function tokenOf(run: Run, leastToken: number, nowUs: number): number {
  return Math.max(nowUs, leastToken, Number(run.tokenFloor ?? NO_FLOOR) + 1);
}

/** @throws Error for a reply that is none of these scripts'. */
export function decodeReply(batch: Batch, reply: unknown): WireReply {
  if (Number.isSafeInteger(reply) && creationOf(batch) !== undefined) {
    return { nowUs: reply as number, brokenValues: 0, runs: RUN_OF_PLAIN };
  }
  if (!Array.isArray(reply)) throw new Error("the script's reply is not a list");
  const [nowUs, brokenValues] = reply.slice(0, 2).map(Number) as [number, number];
  let at = 2;
  const runs = batch.runs.map(({ kind, size }): RunAnswers | undefined => {
    const first: unknown = reply[at];
    if (first === ALL_PLAIN) {
      at += 1;
      return undefined;
    }
    if (typeof first === "string" && first.startsWith(ALL_STORED)) {
      at += 1;
      const stored = new StoredValues(first);
      if (kind !== "get" || stored.length !== size) throw new Error("the script's reply has another shape");
      return stored;
    }
    at += size;
    return reply.slice(at - size, at) as WireAnswer[];
  });
  if (at !== reply.length || !Number.isSafeInteger(nowUs)) throw new Error("the script's reply has another shape");
  return { nowUs, brokenValues, runs };
}

/** The texts of the lowest pod indexes, which are most there are. */
const POD_TEXTS: readonly string[] = Array.from({ length: 4096 }, (_, podIndex) => base36(podIndex));

function podText(podIndex: number): string {
  return POD_TEXTS[podIndex] ?? base36(podIndex);
}

function base36(number: number): string {
  return number.toString(36);
}
