import type { Rolled } from "./rolling-restart.ts";

/** Requests that were not acknowledged at their only try. */
export const failedOf = ({ report: { figures } }: Rolled): number => figures.due - figures.acknowledged;

/** The most often that anybody was moved. */
export const mostMovesOf = ({ report }: Rolled): number => report.users.byMoves.length - 1;

const rows: readonly (readonly [title: string, of: (rolled: Rolled) => string])[] = [
  ["requests, none of them repeated", ({ report }) => `${report.figures.due}`],
  ["  that failed", (rolled) => `${failedOf(rolled)}`],
  ["  acknowledged after p99, max", ({ report }) => times(report.figures.acknowledgedAfter)],
  ["acknowledged changes that are lost", ({ lostChanges }) => `${lostChanges}`],
  ["users with a wrong counter", ({ wrongCounters }) => `${wrongCounters}`],
  ["users moved 0, 1, 2, ... times", ({ report }) => report.users.byMoves.join(", ")],
  ["sockets' messages lost, twice, out of order", ({ report }) => faults(report.sockets)],
  ["sockets that missed a change at the end", ({ report }) => `${report.sockets?.behind ?? 0}`],
  ["sockets closed, by code", ({ report }) => closes(report.sockets?.closes ?? {})],
  ["  closed for p99, max", ({ report }) => times(report.sockets?.closedFor)],
  ["longest end of a pod, of what it had", (rolled) => longest(rolled)],
  ["the whole restart", ({ tookMs }) => `${(tookMs / 1000).toFixed(1)} s`],
];

/** The sides beside each other, for people. */
export function describeRolled(sides: readonly Rolled[]): string {
  const table = [["", ...sides.map(({ name }) => name)], ...rows.map(([title, of]) => [title, ...sides.map(of)])];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function times(of: { readonly p99Ms: number; readonly maxMs: number } | undefined): string {
  return of === undefined ? "none" : `${Math.round(of.p99Ms)} ms, ${Math.round(of.maxMs)} ms`;
}

function faults(sockets: Rolled["report"]["sockets"]): string {
  return sockets === undefined ? "" : `${sockets.lost}, ${sockets.duplicates}, ${sockets.outOfOrder}`;
}

function closes(byCode: Readonly<Record<string, number>>): string {
  return (
    Object.entries(byCode)
      .map(([code, count]) => `${count} x ${code}`)
      .join(", ") || "none"
  );
}

function longest({ restarts }: Rolled): string {
  const worst = restarts.toSorted((a, b) => b.goneAfterMs / b.deadlineMs - a.goneAfterMs / a.deadlineMs)[0];
  return worst === undefined ? "" : `${seconds(worst.goneAfterMs)} of ${seconds(worst.deadlineMs)}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
