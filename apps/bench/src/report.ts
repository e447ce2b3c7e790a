import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { styleText } from "node:util";
import type { Speeds } from "./measure/calibration.ts";
import { nameOf } from "./measure/figure.ts";
import type { Measured } from "./measure/measure.ts";

/** The machine that the figures were measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Whether Redis and Node had a core each. */
  readonly pinned: boolean;
  /** Processes that wanted a core, over the last minute before the run: above 1 others disturb it. */
  readonly loadBefore: number;
}

export interface Versions {
  readonly node: string;
  readonly redis: string;
  readonly podlink: string;
}

export function machine(pinned: boolean, loadBefore: number): Machine {
  const cores = cpus();
  return { cpu: cores[0]?.model ?? "unknown", cores: cores.length, memoryBytes: totalmem(), pinned, loadBefore };
}

export function versions(redis: string): Versions {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return { node: process.version, redis, podlink: version };
}

/** A number as people read it: three digits that mean something. */
const amount = (value: number): string =>
  Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+$/, "");

const HEADS = ["figure", "ours", "baseline", "seen, scaled", "ratio", "spread", "goal", ""] as const;

function cells(figure: Measured): string[] {
  const { unit, expected, counts } = figure;
  return [
    `${nameOf(figure)}: ${figure.title}`,
    `${amount(figure.ours)} ${unit}`,
    `${amount(figure.baseline)} ${unit}`,
    expected === undefined ? "" : `${amount(expected)} ${unit}${counts === false ? ", doesn't count" : ""}`,
    `${figure.ratio.toFixed(2)} x`,
    `${figure.spread[0].toFixed(2)} .. ${figure.spread[1].toFixed(2)}`,
    figure.goal,
    figure.met ? "met" : "NOT MET",
  ];
}

/** A table for people. `stream`: coloured if it is a terminal that takes colours. Absent: not coloured. */
export function table(measured: readonly Measured[], stream?: NodeJS.WritableStream): string {
  const rows = [[...HEADS], ...measured.map(cells)];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  if (stream === undefined) return lines.join("\n");
  const paint = (line: string): string => {
    const format = line.endsWith("NOT MET") ? "red" : line.endsWith("met") ? "green" : "bold";
    return styleText(format, line, { stream, validateStream: true });
  };
  return lines.map(paint).join("\n");
}

/** The same in Markdown, baselines in words included. */
export function markdown(measured: readonly Measured[]): string {
  const heads = ["figure", "ours", "baseline", "seen, scaled", "ratio", "spread", "goal", "met"];
  const rows = measured.map((figure) => {
    const [what = "", ours = "", baseline = "", ...rest] = cells(figure);
    return [what, ours, `${baseline}: ${figure.baselineTitle}`, ...rest];
  });
  return [heads, heads.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Where, with what, and how fast that machine is. */
export function circumstances(where: Machine, having: Versions, speeds: Speeds, pairs: number): string {
  const core = where.pinned ? "Redis and Node on a core each" : "not pinned to cores";
  const rate = (ns: number): string => `${(1e6 / ns).toFixed(0)}k/s`;
  return [
    `${where.cores} x ${where.cpu}, ${(where.memoryBytes / 2 ** 30).toFixed(0)} GiB, Node ${having.node}, Redis ${having.redis}, ${core},`,
    `load before ${where.loadBefore.toFixed(1)}; medians of ${pairs} pairs. Map.get ${speeds.mapGet.toFixed(0)} ns;`,
    `SET over a bare socket: alone ${(speeds.rawSet1 / 1000).toFixed(0)} us, 64 / 256 / 1,024 callers`,
    `${rate(speeds.rawSet64)} / ${rate(speeds.rawSet256)} / ${rate(speeds.rawSet1024)}.`,
  ].join("\n");
}
