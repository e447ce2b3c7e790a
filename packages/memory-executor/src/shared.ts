import { MemoryExecutor } from "./memory-executor.ts";

// By a registered symbol: two installed copies of this package share it too.
const SHARED = Symbol.for("podlink.sharedMemoryExecutor/1");

/** The one store that everything embedded in this process shares. Made at the first call, and again after it was closed. */
export function sharedMemoryExecutor(): MemoryExecutor {
  const holder = globalThis as { [SHARED]?: MemoryExecutor };
  const shared = holder[SHARED];
  if (shared?.health().healthy === true) return shared;
  return (holder[SHARED] = new MemoryExecutor());
}
