// Taken once: tests may replace the globals.
const { setTimeout, clearTimeout } = globalThis;

/** Calls `run` after so many milliseconds of real time. @returns how to prevent that */
export function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

/** The whole thread stands still. @param ms absent: for ever */
export function standStill(ms: number = Infinity): void {
  Atomics.wait(nobodyWakes, 0, 0, ms);
}

/** The process dies as by `kill -9`: no handler runs, nothing is flushed. Whoever started it sees the signal SIGKILL. */
export function exitNow(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;) standStill(); // should the signal take a moment
}
