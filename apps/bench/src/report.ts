import { cpus } from "node:os";
import type { Measured } from "./figure.ts";

/** The machine that the figures were measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
}

export function machine(): Machine {
  const cores = cpus();
  return { cpu: cores[0]?.model ?? "unknown", cores: cores.length, node: process.version };
}

const columns = ["figure", "ours", "baseline", "ratio", "spread", "goal", ""] as const;

/** A table for people. */
export function table(measured: readonly Measured[]): string {
  const rows = measured.map((figure) => [
    `${figure.id}: ${figure.title}`,
    `${figure.ours.toFixed(1)} ${figure.unit}`,
    `${figure.baseline.toFixed(1)} ${figure.unit}`,
    `${figure.ratio.toFixed(2)} x`,
    `${figure.spread[0].toFixed(2)} .. ${figure.spread[1].toFixed(2)}`,
    `>= ${figure.goal} x`,
    figure.met ? "met" : "NOT MET",
  ]);
  const all = [[...columns], ...rows];
  const widths = columns.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
