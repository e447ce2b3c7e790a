import { serviceKey } from "@podlink/types";

/**
 * Where a pod hears what concerns it alone: owned links that were taken from it, and who took its row. A channel
 * for each, so that the messages don't grow with the pods that listen.
 */
export function ownChannel(prefix: string, namespace: string, service: string, podIndex: number): string {
  return `${serviceKey(prefix, namespace, service, "events")}:${podIndex}`;
}
