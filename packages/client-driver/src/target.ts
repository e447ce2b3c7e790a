import type { Link, PodAddress } from "@podlink/types";

/** Where a request goes, and what it says of whom it means. */
export interface Target {
  readonly link: Link;
  readonly podIndex: number;
  /** Which life of the pod index is meant, as the pod's row has it. */
  readonly incarnation: number;
  readonly address: PodAddress;
}

export function targetOf(link: Link, incarnation: number, address: PodAddress): Target {
  return { link, podIndex: link.podIndex, incarnation, address };
}
