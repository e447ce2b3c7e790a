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

/** What happened. Closed; never contains a uid. Who tells what, and when: the table in the README of this package. */
export type RouteEvent = { readonly namespace: string; readonly service: string } & (
  | CallerEvent
  | PodOwnEvent
  | StoreSeenEvent
);

/** Told by callers: gateways, and pods where they look for others. */
export type CallerEvent =
  | ({
      /** The pod that the link named. */
      readonly podIndex: number;
    } & (
      | { readonly kind: "link-replaced"; readonly reason: ReplaceReason }
      | { readonly kind: "move-refused"; readonly because: "pace" | "panic" }
    ))
  | { readonly kind: "panic"; readonly active: boolean }
  | { readonly kind: "stale-link-served"; readonly podIndex: number }
  | { readonly kind: "overloaded-pod-chosen"; readonly podIndex: number };

/** Told by a pod about itself. */
export type PodOwnEvent = { readonly podIndex: number } & (
  | { readonly kind: "registered"; readonly incarnation: number; readonly because: "start" | RegistrationLoss }
  | { readonly kind: "fenced"; readonly because: FencedReason }
  | { readonly kind: "serving-without-lease" }
  | { readonly kind: "superseded" }
  | { readonly kind: "epoch-changed"; readonly because: EpochChange }
  | { readonly kind: "link-taken"; readonly again: boolean }
  | { readonly kind: "link-lost" }
  | { readonly kind: "sweep"; readonly phase: "started" | "ended"; readonly links: number }
  | { readonly kind: "handing-over"; readonly active: boolean }
  | { readonly kind: "drain"; readonly phase: "started" | "moving" | "ended"; readonly links: number }
  | { readonly kind: "handed-off"; readonly moved: boolean }
  /** A WebSocket through a proxy lost its pod, or its pod restarts: it goes on at this pod, or was closed with 1012. */
  | { readonly kind: "socket-moved"; readonly to: "pod" | "closed" }
);

/** Told by whoever meets it. `podIndex`: of the pod that tells it; absent: a caller. */
export type StoreSeenEvent = { readonly podIndex?: number } & (
  | { readonly kind: "store"; readonly answers: boolean; readonly seenBy: "readings" | "reports" }
  | { readonly kind: "corrupt" }
);

/**
 * Why a registration doesn't count any more:
 * - `fenced`: its lease was over; - `gone`: its row is missing;
 * - `epoch`: another server answers; - `generation`: the service's pods were set up anew in the store;
 * - `superseded-claim`: a link names a higher incarnation of this pod than any that is registered;
 * - `reopened`: the application had said Failed or Shutdown, and takes it back.
 */
export type RegistrationLoss = EpochChange | "fenced" | "superseded-claim" | "reopened";

/** Those that tell that the store may answer with other data than before. */
export type EpochChange = "epoch" | "generation" | "gone";

/**
 * Why a pod may not serve before it has registered again:
 * - `lease-over`: no report was accepted in time, whether the store or this process stood still;
 * - `clock-ahead`: the wall clock ran ahead of the monotonic one by more than the margin, as after a suspension;
 * - `stood-still`: it served without a lease, and its own running had a gap longer than the margin;
 * - `stale-too-long`: it served without a lease for staleWhileDownMs.
 */
export type FencedReason = "lease-over" | "clock-ahead" | "stood-still" | "stale-too-long";

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
