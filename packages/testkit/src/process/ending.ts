import type { ProgramEnd } from "./process-group.ts";

/** How a process ended: its exit code, or the signal that ended it, or why there never was one. */
export interface Ending extends ProgramEnd {
  /** When this process heard of it, by `performance.now()`. */
  readonly atMs: number;
  /** Whether its supervisor had told it to end. */
  readonly wasAsked: boolean;
  /** Whether it took too long after SIGTERM, and was killed. */
  readonly wasOverdue: boolean;
}

/** "exit code 1", "SIGKILL", or why there never was a process. */
export function describeEnd({ code, signal, error }: ProgramEnd): string {
  return signal ?? error?.message ?? `exit code ${code}`;
}
