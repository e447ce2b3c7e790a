import type { Clock } from "@podlink/types";

/** What is held over a whole run; one watcher each. */
export type Invariant =
  | "tokens"
  | "holders"
  | "guards"
  | "fenced-writes"
  | "deadlines"
  | "in-flight"
  | "heap"
  | "handles";

/** Two observations that can't both be right. */
export interface Violation {
  readonly invariant: Invariant;
  /** When it was found, by the watcher's clock in ms. */
  readonly atMs: number;
  /** The contradiction as a person reads it, with both observations. */
  readonly message: string;
  /** The same for a program: plain values, of the watcher that found it. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What every watcher takes. */
export interface WatcherOptions {
  /** Hears of each violation at once. It must not throw. */
  readonly onViolation: (violation: Violation) => void;
  /** Default: the clock of this process. All times that are fed are times of this clock. */
  readonly clock?: Clock;
}

/** What all watchers have in common. */
export interface Watcher {
  readonly invariant: Invariant;
  /** How many observations it has judged. 0: it held nothing. */
  readonly observed: number;
}

/** A time as it stands in a message. */
export function ms(atMs: number): string {
  return `${atMs.toFixed(1)} ms`;
}
