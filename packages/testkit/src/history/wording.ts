import type { Expected, Lifetime, Link, LinkOp, Owner, ResultOf } from "@podlink/types";
import type { Outcome, RecordedOp } from "./recorded-op.ts";

/** Operations, answers and links in a few words. */
export function wordsOfOp(op: LinkOp): string {
  switch (op.kind) {
    case "get":
      return "get";
    case "set":
    case "trySet":
      return `${op.kind} ${owner(op.owner)}, ${lifetime(op.lifetime)}`;
    case "setIfAbsent":
      return `setIfAbsent ${owner(op.owner)}, ${lifetime(op.lifetime)}${op.renew === true ? ", renew" : ""}`;
    case "replace":
      return `replace token ${op.expectedToken} by ${owner(op.owner)}, ${lifetime(op.lifetime)}`;
    case "renew":
      return `renew ${expected(op.expected)}, ${lifetime(op.lifetime)}`;
    case "remove":
      return `remove ${expected(op.expected)}${op.graceMs === 0 ? "" : `, grace ${op.graceMs} ms`}`;
  }
}

export function wordsOfResult(result: ResultOf<LinkOp>): string {
  if (result === undefined) return "no link";
  if ("token" in result) return wordsOfLink(result);
  return Object.entries(result as Record<string, unknown>)
    .map(([name, value]) => {
      if (name === "link") return wordsOfLink(value as Link);
      if (name === "previous") return `previous ${wordsOfLink(value as Link)}`;
      return value === true ? name : `not ${name}`;
    })
    .join(", ");
}

export function wordsOfOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "answered":
      return wordsOfResult(outcome.result);
    case "refused":
      return `refused${outcome.code === undefined ? "" : ` (${outcome.code})`}`;
    case "unknown":
      return `never knew${outcome.code === undefined ? "" : ` (${outcome.code})`}`;
  }
}

function wordsOfLink({ podIndex, incarnation, token, kind, expiresInMs }: Link): string {
  const ends = expiresInMs === undefined ? "" : `, ends in ${expiresInMs} ms`;
  return `[${kind} of ${owner({ podIndex, ...(incarnation === undefined ? {} : { incarnation }) })}, token ${token}${ends}]`;
}

/** Rows of cells as lines, each column as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** When each operation was under way, as bars over one line of time: calls and returns in their order, not to scale. */
export function bars(operations: readonly RecordedOp[]): Map<RecordedOp, string> {
  const places = operations
    .flatMap(({ called, returned }) => [called, ...(returned === undefined ? [] : [returned])])
    .toSorted((a, b) => a - b);
  const columnOf = new Map(places.map((place, index) => [place, index * 2]));
  const width = places.length * 2;
  const found = new Map<RecordedOp, string>();
  for (const recorded of operations) {
    const from = columnOf.get(recorded.called) ?? 0;
    const to = recorded.returned === undefined ? width : (columnOf.get(recorded.returned) ?? width);
    const isOpen = recorded.outcome.kind === "unknown";
    // One that ended unknown may still happen after its caller gave up.
    const tail = isOpen ? "?".padEnd(width - to + 1, "·") : "|";
    found.set(recorded, `${" ".repeat(from)}|${"-".repeat(Math.max(0, to - from - 1))}${tail}`);
  }
  return found;
}

function owner({ podIndex, incarnation, tokenFloor }: Owner): string {
  const life = incarnation === undefined ? "" : `#${incarnation}`;
  return `pod ${podIndex}${life}${tokenFloor === undefined ? "" : ` above token ${tokenFloor}`}`;
}

function lifetime(asked: Lifetime): string {
  return asked === "persistent" ? "persistent" : `${asked.ttlMs} ms`;
}

function expected({ podIndex, incarnation, token }: Expected = {}): string {
  const parts = [
    ...(podIndex === undefined ? [] : [`pod ${podIndex}`]),
    ...(incarnation === undefined ? [] : [`incarnation ${incarnation}`]),
    ...(token === undefined ? [] : [`token ${token}`]),
  ];
  return parts.length === 0 ? "whatever is there" : `if ${parts.join(", ")}`;
}
