import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { styleText } from "node:util";
import type { Speeds } from "./measure/calibration.ts";
import { nameOf } from "./measure/figure.ts";
import type { Measured } from "./measure/measure.ts";
import { originals } from "./originals.ts";

/** The machine that the figures were measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Whether Redis and Node had a core each. */
  readonly pinned: boolean;
  /** Processes that wanted a core, over the last minute before the run: above 1 others disturb it. */
  readonly loadBefore: number;
  readonly speeds: Speeds;
}

export interface Versions {
  readonly node: string;
  readonly redis: string;
  readonly podlink: string;
}

/** What a run has found out. */
export interface FiguresResult {
  readonly machine: Machine;
  readonly versions: Versions;
  readonly pairs: number;
  readonly measured: readonly Measured[];
}

export function machine(seen: Pick<Machine, "pinned" | "loadBefore" | "speeds">): Machine {
  const cores = cpus();
  return { cpu: cores[0]?.model ?? "unknown", cores: cores.length, memoryBytes: totalmem(), ...seen };
}

export function versions(redis: string): Versions {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return { node: process.version, redis, podlink: version };
}

/** Whether the goal is met, in words. */
export const verdict = ({ met, counts }: Pick<Measured, "met" | "counts">): string =>
  counts === false ? "baseline doesn't count" : met ? "met" : "NOT MET";

/** For machines. */
export const asJson = ({ machine: where, versions: having, measured }: FiguresResult): string =>
  JSON.stringify({ machine: where, versions: having, figures: measured }, undefined, 2);

/** For people. `stream`: coloured if it is a terminal that takes colours. Absent: not coloured. */
export function asText(result: FiguresResult, stream?: NodeJS.WritableStream): string {
  const targets = originals(result.measured);
  const parts = [table(result.measured, stream), circumstances(result)];
  if (targets.length > 0) parts.push(`The original's own targets:\n${targets.join("\n")}`);
  return `\n${parts.join("\n\n")}`;
}

/** For the document, baselines in words included. */
export function asMarkdown(result: FiguresResult): string {
  const rows = result.measured.map((figure) => {
    const [what = "", ours = "", baseline = "", ...rest] = cells(figure);
    return [what, ours, `${baseline}: ${figure.baselineTitle}`, ...rest];
  });
  const lines = [HEADS, HEADS.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  const targets = originals(result.measured).map((line) => `- ${line}`);
  return `${circumstances(result)}\n\n${lines.join("\n")}\n\nThe original's own targets:\n\n${targets.join("\n")}`;
}

/** A number as people read it: three digits that mean something. */
function amount(value: number): string {
  if (Math.abs(value) >= 1000) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}

const HEADS = ["figure", "ours", "baseline", "seen, scaled", "ratio", "spread", "goal", "outcome"] as const;

function cells(figure: Measured): string[] {
  const { unit, expected } = figure;
  return [
    `${nameOf(figure)}: ${figure.title}`,
    `${amount(figure.ours)} ${unit}`,
    `${amount(figure.baseline)} ${unit}`,
    expected === undefined ? "" : `${amount(expected)} ${unit}`,
    `${figure.ratio.toFixed(2)} x`,
    `${figure.spread[0].toFixed(2)} .. ${figure.spread[1].toFixed(2)}`,
    figure.goal,
    verdict(figure),
  ];
}

function table(measured: readonly Measured[], stream: NodeJS.WritableStream | undefined): string {
  const rows = [[...HEADS], ...measured.map(cells)];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  if (stream === undefined) return lines.join("\n");
  const colours = ["bold", ...measured.map(({ met }) => (met ? "green" : "red"))] as const;
  return lines.map((line, index) => styleText(colours[index]!, line, { stream, validateStream: true })).join("\n");
}

/** Where, with what, and how fast that machine is. */
function circumstances({ machine: where, versions: having, pairs }: FiguresResult): string {
  const { speeds } = where;
  const core = where.pinned ? "Redis and Node on a core each" : "not pinned to cores";
  const rate = (ns: number): string => `${(1e6 / ns).toFixed(0)}k/s`;
  return [
    `${where.cores} x ${where.cpu}, ${(where.memoryBytes / 2 ** 30).toFixed(0)} GiB, Node ${having.node}, Redis ${having.redis}, ${core},`,
    `load before ${where.loadBefore.toFixed(1)}; medians of ${pairs} pairs. Map.get ${speeds.mapGet.toFixed(0)} ns;`,
    `SET over a bare socket: alone ${(speeds.rawSet1 / 1000).toFixed(0)} us, 64 / 256 / 1,024 callers`,
    `${rate(speeds.rawSet64)} / ${rate(speeds.rawSet256)} / ${rate(speeds.rawSet1024)}.`,
  ].join("\n");
}
