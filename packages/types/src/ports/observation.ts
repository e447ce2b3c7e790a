/** What is timed. Closed: usable as labels. */
export type OperationName = "resolve" | "claim" | "report" | "verify" | "hand-off" | "proxy";

export interface Operation {
  readonly name: OperationName;
  readonly namespace: string;
  readonly service: string;
}

/** One running operation; ended exactly once. */
export interface Scope {
  /** @param error what it failed with; absent: it succeeded. */
  end(error?: unknown): void;
}

/** What happened. Closed; never contains a uid. */
export type RouteEvent = { readonly namespace: string; readonly service: string; readonly podIndex: number } & (
  | { readonly kind: "link-replaced"; readonly reason: ReplaceReason }
  | { readonly kind: "panic"; readonly active: boolean }
  | { readonly kind: "stale-link-served" }
  | { readonly kind: "overloaded-pod-chosen" }
  | { readonly kind: "registered"; readonly incarnation: number }
  | { readonly kind: "fenced" }
  | { readonly kind: "superseded" }
  | { readonly kind: "link-lost" }
  | { readonly kind: "epoch-changed" }
  | { readonly kind: "drain"; readonly phase: "started" | "moving" | "ended" }
  | { readonly kind: "handed-off"; readonly moved: boolean }
);

/** Why a caller or a pod moved a link. */
export type ReplaceReason =
  | "goodbye"
  | "failed"
  | "shutdown"
  | "silent"
  | "not-available"
  | "superseded-holder"
  | "hand-off";

/** Watches a driver. Absent: nothing is timed and no event is made. What it throws is logged and harms nobody. */
export interface RouteObserver {
  /** Undefined: this one is not watched. */
  start(operation: Operation): Scope | undefined;
  event(event: RouteEvent): void;
}

/** Named numbers as they are now; counters only grow. */
export type Figures = Readonly<Record<string, number>>;

/** Something whose figures can be read at any time; reading costs nothing to whoever counts. */
export interface MetricsSource {
  read(): Figures;
}
