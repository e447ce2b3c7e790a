import type { AppOptions } from "../../src/index.ts";

/** The small program, on a port of its choice, ready when it has said where it listens. */
export const app = (name: string, options: Partial<AppOptions> = {}): AppOptions => ({
  name,
  node: { script: new URL("app.fixture.mjs", import.meta.url) },
  ready: { output: /listening at (\S+)/ },
  ...options,
});

/** Whether there is such a process. */
export function runs(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
