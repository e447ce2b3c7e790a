import type { Link, PodIdentity, RoutingState, ServiceState } from "@podlink/types";

/**
 * Why a period ended:
 * - `lost`: another has the link, or it was removed;
 * - `fenced`: the lease was over or the registration gone; the pod registers again and has to claim;
 * - `superseded`: a newer life of this pod is there;
 * - `stopped`: the pod stopped, or said Failed or Shutdown;
 * - `released`: the application removed the link;
 * - `handed-off`: saved and moved to another pod.
 */
export type EndReason = "lost" | "fenced" | "superseded" | "stopped" | "released" | "handed-off";

/** A period began or ended. A new token is a new period: what was loaded for the old one is loaded again. */
export type PeriodEvent =
  | {
      readonly kind: "taken";
      readonly uid: string;
      readonly link: Link;
      /** It was held under an earlier registration of this process, and by nobody since. Absent: it was not. */
      readonly again?: true;
    }
  | {
      readonly kind: "ended";
      readonly uid: string;
      /** The link that holds now, where it is known. */
      readonly link?: Link;
      readonly reason: EndReason;
    };

/** Saves what the period made, before its link is moved. Awaited; what it throws is logged, and the link moves all the same. */
export type HandOff = (uid: string, link: Link) => Promise<void> | void;

/**
 * Where a pod stands:
 * - `idle`: not started; - `starting`: not registered yet; - `running`;
 * - `waiting`: registered after another process and not allowed to claim yet;
 * - `fenced`: its lease is over, or its registration gone; it is registering again;
 * - `draining`; - `stopped`; - `superseded`: a newer life of it is there; it stopped for good.
 */
export type PodPhase = "idle" | "starting" | "waiting" | "running" | "fenced" | "draining" | "stopped" | "superseded";

/** A pod as it sees itself. */
export interface PodState {
  readonly phase: PodPhase;
  /** What the application said last. */
  readonly serviceState: ServiceState;
  readonly routingState: RoutingState;
  /** Absent: never registered. */
  readonly identity?: PodIdentity;
}
