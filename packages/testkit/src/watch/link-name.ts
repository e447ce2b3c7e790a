import type { LinkKey } from "@podlink/types";
import { describeValue } from "@podlink/types";

/** Unlike any other link's: namespaces and services contain no slash. */
export function nameOf({ namespace, service, uid }: LinkKey): string {
  return `${namespace}/${service}/${uid}`;
}

/** A link's name as it stands in a message. */
export function shown({ namespace, service, uid }: LinkKey): string {
  return `${describeValue(uid)} of ${namespace}/${service}`;
}

/** A pod and its life as they stand in a message. */
export function podText(podIndex: number, incarnation: number | undefined): string {
  return incarnation === undefined ? `pod ${podIndex}, which has not taken it` : `pod ${podIndex}.${incarnation}`;
}
