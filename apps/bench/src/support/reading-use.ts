import type { MetricsSource } from "@podlink/types";
import { usedBytes } from "./garbage.ts";

/** What those who may follow a service's pods used since their process began, all together. */
export interface ReadingUse {
  readonly cpuUs: number;
  readonly bytes: number;
  readonly readings: number;
  readonly rows: number;
  readonly pushes: number;
}

export function useOf(readers: readonly MetricsSource[]): ReadingUse {
  const sum = (name: string): number => readers.reduce((total, reader) => total + (reader.read()[name] ?? 0), 0);
  const bytes = usedBytes();
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, bytes, readings: sum("readings"), rows: sum("rows"), pushes: sum("pushes") };
}
