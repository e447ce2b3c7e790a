/** What every call takes. */
export interface CallOptions {
  /** Gives up waiting when aborted: the call rejects with CANCELLED. What was sent may still happen. */
  readonly signal?: AbortSignal;
  /** Longest wait in milliseconds, then TIMEOUT. Default 1000. */
  readonly timeoutMs?: number;
}

/** The default of {@link CallOptions.timeoutMs}. */
export const DEFAULT_CALL_TIMEOUT_MS = 1000;
