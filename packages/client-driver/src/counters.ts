import type { Figures } from "@podlink/types";

/** What happened since the start, over all services. Plain numbers: counting costs nothing, reading them neither. */
export class Counters {
  /** Calls of computeLinkedPod and resolve. */
  resolves = 0;
  /** Those that had to ask the store, and were not joined to another's question. */
  flights = 0;
  /** Links made for a uid that had none. */
  placements = 0;
  /** Links moved to another pod by this caller. */
  replacements = 0;
  /** Replacements that another caller, or the pod itself, had won. */
  replacementsLost = 0;
  /** Calls answered POD_UNAVAILABLE. */
  podUnavailable = 0;
  /** Those of them that only the pace held back. */
  pacedOut = 0;
  /** Those of them that only a panic held back. */
  panicHeld = 0;
  /** Panics that held back somebody. */
  panics = 0;
  /** Links served from the cache while the store didn't answer. */
  staleServed = 0;
  /** Operations answered CORRUPT: what is stored there is not ours to touch. */
  corrupt = 0;
  /** Operations not sent because the store was known to be down. */
  refusedWhileDown = 0;
  /** Requests that a pod refused as misdirected. */
  misdirected = 0;

  read(): Figures {
    return Object.fromEntries(Object.entries(this)) as Record<string, number>;
  }
}
