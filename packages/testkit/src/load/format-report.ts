import type { Figures } from "./figures.ts";
import type { Percentiles } from "./latencies.ts";
import type { LoadReport } from "./load-report.ts";
import type { SocketsReport } from "./sockets/sockets-report.ts";
import type { TimelineRow } from "./timeline.ts";

/** A report for people: what happened, when, and how it felt. Rows of the timeline in which all went well and quickly are kept too. */
export function formatReport(report: LoadReport): string {
  const { figures, phases, marks, users, failures } = report;
  const plan = `${report.ratePerSecond} requests/s (${report.arrivals}), seed ${report.seed}`;
  const lines = [
    `${plan}: ${figures.due} due in ${seconds(report.lastedMs)}`,
    ...figureLines(figures),
    `  the generator was late by ${percentiles(figures.lateness)}`,
    ...Object.entries(report.reasons).map(([reason, count]) => `  ${count} x ${reason}`),
    ...failures.map((failure) => `  failed: ${failure}`),
    `users: ${users.count}, ${users.unserved} unserved, ${users.doubtful} changes in doubt, ${users.splitTokens} tokens with two holders`,
    ...users.byMoves.map((count, moves) => `  ${count} moved ${moves} times`),
    ...(users.gaps ? [`  without service for ${percentiles(users.gaps)}`] : []),
    ...users.longestGaps.map(({ uid, gapMs, pods }) => `  ${uid}: ${seconds(gapMs)}, pods ${pods.join(" > ")}`),
    ...(report.sockets ? socketLines(report.sockets) : []),
  ];
  if (marks.length > 0) {
    for (const { name, fromMs, toMs, figures: ofPhase } of phases) {
      lines.push(`${seconds(fromMs)} to ${seconds(toMs)}, ${name}: ${ofPhase.due} due`, ...figureLines(ofPhase));
    }
  }
  return [...lines, ...timelineLines(report), ""].join("\n");
}

function figureLines({ acknowledged, refused, unknown, failed, shed, underWay, retries, ...times }: Figures): string[] {
  const rest = underWay > 0 ? `, ${underWay} under way` : "";
  return [
    `  ${acknowledged} acknowledged, ${refused} refused, ${unknown} unknown, ${failed} failed, ${shed} shed${rest}; ${retries} repeats`,
    `  acknowledged after ${percentiles(times.acknowledgedAfter)}`,
    ...(times.givenUpAfter ? [`  given up after ${percentiles(times.givenUpAfter)}`] : []),
  ];
}

function socketLines(sockets: SocketsReport): string[] {
  const { connections, closes, handshakes, closedFor, seenAfter } = sockets;
  const counts = (kinds: Readonly<Record<string, number>>): string =>
    Object.entries(kinds)
      .map(([kind, count]) => `${count} x ${kind}`)
      .join(", ") || "none";
  return [
    `sockets: ${sockets.sockets}, ${connections} connections, ${sockets.changes} changes, ${sockets.behind} behind, ${sockets.gone} gone`,
    `  ${sockets.lost} lost, ${sockets.duplicates} twice, ${sockets.outOfOrder} out of order, ${sockets.declaredLost} declared lost, ${sockets.setBacks} set back, ${sockets.unreadable} unreadable`,
    `  closes: ${counts(closes)}; handshakes that failed: ${counts(handshakes)}; silent: ${sockets.silent}`,
    ...(closedFor ? [`  closed for ${percentiles(closedFor)}`] : []),
    ...(seenAfter ? [`  changes seen after ${percentiles(seenAfter)}`] : []),
    ...sockets.faults.map((fault) => `  ${fault}`),
  ];
}

const COLUMNS = ["acknowledged", "refused", "unknown", "failed", "shed", "p50Ms", "p99Ms", "maxMs"] as const;

/** A table, with a line for each mark at its place. */
function timelineLines({ timeline, marks, droppedRows }: LoadReport): string[] {
  const cells = (row: TimelineRow): string[] => [
    seconds(row.atMs),
    ...[row.due, ...COLUMNS.map((name) => row[name])].map(cell),
  ];
  const table = [["from", "due", ...COLUMNS], ...timeline.map(cells)];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) => row.map((text, column) => text.padStart(widths[column]!)).join("  "));
  const marked = timeline.flatMap(({ atMs }, index) => {
    const nextMs = timeline[index + 1]?.atMs ?? Infinity;
    const here = marks.filter((mark) => mark.atMs >= atMs && mark.atMs < nextMs);
    return [lines[index + 1]!, ...here.map((mark) => `-- ${seconds(mark.atMs)} ${mark.name}`)];
  });
  const dropped = droppedRows > 0 ? [`(${droppedRows} rows before these were dropped)`] : [];
  return [lines[0]!, ...dropped, ...marked];
}

function cell(value: number | undefined): string {
  if (value === undefined) return "-";
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function percentiles(times: Percentiles | undefined): string {
  if (times === undefined) return "-";
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = times;
  return `p50 ${cell(p50Ms)}, p90 ${cell(p90Ms)}, p99 ${cell(p99Ms)}, p99.9 ${cell(p999Ms)}, max ${cell(maxMs)} ms`;
}
