import type { Link } from "../link.ts";
import type { PodReport } from "../pod.ts";
import type { CallOptions } from "./call-options.ts";
import type { Subscription } from "./subscription.ts";

interface PodName {
  readonly namespace: string;
  readonly service: string;
  readonly podIndex: number;
}

export interface Registration extends PodName {
  /** Random text, one for each process. */
  readonly life: string;
  /** The incarnation the process had last or, at its first start, the one that it was answered to be there. Absent: no row. */
  readonly expected?: number;
  /** The new incarnation is higher than this. Absent: no floor. */
  readonly floor?: number;
  /**
   * What to do after a row that is neither a goodbye nor of the same life: `wait` claims nothing for one whole lease of
   * that row; `now` claims at once, where the platform guarantees that the old process is dead.
   */
  readonly takeOver: "wait" | "now";
  /** 128 random bits as text: becomes the service's generation if it has none. */
  readonly generation: string;
  readonly report: PodReport;
}

export type RegisterResult =
  | {
      readonly registered: true;
      readonly incarnation: number;
      /** The row was already there under the same life: a retried registration. */
      readonly adopted?: true;
      /** The pod claims nothing for so long after the first answer, by its own monotonic clock. 0: at once. */
      readonly claimAfterMs: number;
      readonly generation: string;
    }
  /** Another registration than the expected one is there. `found` absent: no row. */
  | { readonly registered: false; readonly found?: number };

export interface Heartbeat extends PodName {
  readonly incarnation: number;
  readonly life: string;
  /** Grows by one with every report of an incarnation; one that is not higher is ignored. */
  readonly reportNumber: number;
  readonly report: PodReport;
}

export type HeartbeatResult =
  | {
      readonly accepted: true;
      readonly generation?: string;
      /**
       * Whether this pod writes the workload state until its next report: of the pods alive, as far as their reports show,
       * the lowest does.
       */
      readonly writesWorkload: boolean;
    }
  /**
   * `gone`: no row, or one of the same life under another incarnation: register again;
   * `superseded`: a higher incarnation of another process, or a goodbye: stop;
   * `ignored`: a later report was there already.
   */
  | { readonly accepted: false; readonly reason: "gone" | "superseded" | "ignored"; readonly found?: number };

export interface Leave extends PodName {
  readonly incarnation: number;
}

/** A link that a pod owned and that now names another. */
export interface LostLink {
  readonly uid: string;
  readonly link: Link;
}

/** The life of a pod that may have taken the place of another one. */
export interface Successor {
  readonly incarnation: number;
  readonly life: string;
}

/** A pod's own side of the store. Only stores have it. */
export interface PodRegistry {
  /** Makes the row of a pod, by compare-and-set on the incarnation that was there. Nothing else makes a row. */
  register(registration: Registration, call?: CallOptions): Promise<RegisterResult>;

  /** Writes what the pod says of itself and that it lives. Never makes, revives or takes over a row. */
  report(heartbeat: Heartbeat, call?: CallOptions): Promise<HeartbeatResult>;

  /** Turns the row into a goodbye. `left` false: a newer incarnation or nothing is there. */
  leave(leave: Leave, call?: CallOptions): Promise<{ readonly left: boolean }>;

  /** Calls the listener when an owned link of this pod was taken by another. Best effort: verification finds the rest. */
  watchLostLinks(
    namespace: string,
    service: string,
    podIndex: number,
    listener: (lost: LostLink) => void,
  ): Subscription;

  /**
   * Calls the listener when a process registered under this pod index where there was no row, or over another process' row
   * that was no goodbye. One's own first registration is told too. Best effort: the next report finds out all the same.
   */
  watchSuccessors(
    namespace: string,
    service: string,
    podIndex: number,
    listener: (successor: Successor) => void,
  ): Subscription;
}
