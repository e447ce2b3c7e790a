import type { PodRow } from "../pod.ts";
import type { CallOptions } from "./call-options.ts";
import type { Subscription } from "./subscription.ts";

/** What a reader already has: a reading that names it gets back only what changed since. */
export interface KnownReading {
  readonly generation: string;
  readonly sequence: number;
}

export interface ReadPodsOptions extends CallOptions {
  /** Absent, or of another generation: all rows come back. */
  readonly known?: KnownReading;
  /** Pods whose last report is older than this are listed as silent. Default 4500 (two heartbeats and 500). */
  readonly silenceMs?: number;
}

/** A pod whose last report is not within the last `silenceMs`. */
export interface SilentPod {
  readonly podIndex: number;
  readonly incarnation: number;
  readonly reportNumber: number;
  /** Since its last report, by the store's clock. Negative: the store's clock has stepped back; it proves nothing. */
  readonly ageMs: number;
}

/** The pods of a service at one moment of the store. */
export interface PodReading {
  /** The store's clock, in ms since 1970. */
  readonly nowMs: number;
  /** Random bits set with the service's first pod. Absent: no pod was ever registered. */
  readonly generation?: string;
  /** The sequence number of the newest change. */
  readonly sequence: number;
  /** Whether `rows` holds all pods; else those changed since what was known. */
  readonly complete: boolean;
  /** Goodbyes included, by pod index. */
  readonly rows: readonly PodRow[];
  /** At most 128 of the silent, the longest silent last; goodbyes not included. */
  readonly silent: readonly SilentPod[];
  /** How many are silent in all. */
  readonly silentCount: number;
}

export type PodEvent =
  /** A registration, a goodbye, or a change of service state, routing state, address or overload. */
  | { readonly kind: "pod"; readonly sequence: number; readonly row: PodRow }
  /** Something may have been missed: read again. */
  | { readonly kind: "gap" };

/** Who the pods of a service are. */
export interface PodDirectory {
  /** @throws RouteError INVALID_ARGUMENT, STORE_UNAVAILABLE, TIMEOUT, CANCELLED, CLOSED */
  readPods(namespace: string, service: string, options?: ReadPodsOptions): Promise<PodReading>;

  /** Calls the listener for each published change, in order; it must not block, and what it throws is logged. */
  watchPods(namespace: string, service: string, listener: (event: PodEvent) => void): Subscription;
}
