import type { Entry, GuardRequest } from "@podlink/server-driver";
import type { CallOptions, Link, PodAddress, PodRow, Subscription } from "@podlink/types";

/** The pod that a request goes to. */
export interface PodTarget {
  readonly link: Link;
  readonly podIndex: number;
  /** Of the pod meant, from its row. */
  readonly incarnation: number;
  readonly address: PodAddress;
}

/** The lives of a pod that are over. */
export type PodEnd = Pick<PodTarget, "podIndex" | "incarnation">;

/** What the proxy and `callPod` need of a service as callers use it; `ServiceHandle` of the client driver has it. */
export interface ServiceRoute {
  readonly namespace: string;
  readonly service: string;
  /**
   * {@link target} at once. Undefined: only that can tell. Never throws. Absent: there is no such way. HTTP requests ask it
   * first: whoever puts something in front of `target` puts it in front of this too, or leaves this out.
   */
  peekTarget?(uid: string): PodTarget | undefined;
  /** @throws RouteError */
  target(uid: string, call?: CallOptions): Promise<PodTarget>;
  /** What a 421 said: with the link, or absent when the pod was not the one meant. @throws RouteError */
  misdirected(target: PodTarget, link: Link | undefined, call?: CallOptions): Promise<PodTarget>;
  /** Tells when a life of a pod, and every one before it, is over: nothing comes from it any more. */
  onPodEnd(listener: (end: PodEnd) => void): Subscription;
  /** The pods as last seen. */
  pods(): readonly { readonly row: Pick<PodRow, "podIndex" | "incarnation">; readonly goodbye: boolean }[];
}

/** What the guard needs of a pod; `ServerDriver` has it. */
export interface PodEntrance {
  enter(uid: string, request?: GuardRequest): Entry | Promise<Entry>;
}
