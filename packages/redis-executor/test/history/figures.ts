import type { LinkHistory, RecordedOp } from "@podlink/testkit";

/** What makes a history worth checking. */
export interface HistoryFigures {
  readonly operations: number;
  readonly uids: number;
  readonly clients: number;
  /** The part of the operations of which nobody knows whether, or how often, they were carried out when they were sent. */
  readonly ambiguous: number;
  /** The part whose callers were never told. */
  readonly unknown: number;
  /** Pairs of operations of one link that were under way at the same time. */
  readonly overlaps: number;
}

export function figuresOf({ operations }: LinkHistory): HistoryFigures {
  const share = (holds: (one: RecordedOp) => boolean): number => operations.filter(holds).length / operations.length;
  return {
    operations: operations.length,
    uids: new Set(operations.map(({ op }) => op.uid)).size,
    clients: new Set(operations.map(({ client }) => client)).size,
    ambiguous: share(
      ({ op, outcome, attempts = 1 }) => op.kind !== "get" && (outcome.kind === "unknown" || attempts > 1),
    ),
    unknown: share(({ op, outcome }) => op.kind !== "get" && outcome.kind === "unknown"),
    overlaps: overlapsIn(operations),
  };
}

function overlapsIn(operations: readonly RecordedOp[]): number {
  let overlaps = 0;
  for (const [index, one] of operations.entries())
    for (const other of operations.slice(index + 1)) {
      if (one.op.uid !== other.op.uid || one.op.service !== other.op.service || one.client === other.client) continue;
      const apart = (one.returned ?? Infinity) < other.called || (other.returned ?? Infinity) < one.called;
      if (!apart) overlaps += 1;
    }
  return overlaps;
}

/** Least, quartiles and greatest of each figure, a line each. */
export function distribution(all: readonly HistoryFigures[]): string {
  const names = ["operations", "uids", "clients", "ambiguous", "unknown", "overlaps"] as const;
  const lines = names.map((name) => {
    const values = all.map((figures) => figures[name]).toSorted((a, b) => a - b);
    const at = (part: number): string => {
      const value = values[Math.round(part * (values.length - 1))] ?? 0;
      return Number.isInteger(value) ? String(value) : value.toFixed(2);
    };
    return `${name.padEnd(12)}${[0, 0.25, 0.5, 0.75, 1].map((part) => at(part).padStart(8)).join("")}`;
  });
  return [
    `${"".padEnd(12)}${["least", "25 %", "50 %", "75 %", "most"].map((name) => name.padStart(8)).join("")}`,
    ...lines,
  ].join("\n");
}
