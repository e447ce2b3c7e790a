/** The podlink store in one process: the embedded default, and the model in tests. */

// Names that users meet.
export type { MemoryExecutorOptions } from "./memory-executor.ts";
export { MemoryExecutor } from "./memory-executor.ts";
export { sharedMemoryExecutor } from "./shared.ts";

// ---- Below: for those who write a store and check it against the model. ----

export { applyLinkOp } from "./apply-link-op.ts";
export type { LinkRecord, OpKind } from "./link-record.ts";
export type { LinkContext, LinkStep, LinkTaken } from "./link-step.ts";
