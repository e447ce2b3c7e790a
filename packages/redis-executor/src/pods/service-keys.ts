import { serviceKey } from "@podlink/types";

/** Names one service. */
export interface ServiceName {
  readonly namespace: string;
  readonly service: string;
}

/** What the pod scripts declare, in their order: pods, beats, changes, meta. */
export function podKeys(prefix: string, { namespace, service }: ServiceName): readonly string[] {
  return (["pods", "beats", "changes", "meta"] as const).map((name) => serviceKey(prefix, namespace, service, name));
}

/**
 * Where changes of a service's pods are published. Not a key that a script declares: one that never exists makes Redis
 * Cluster refuse every call while the slot is moved (TRYAGAIN).
 */
export function podChannel(prefix: string, { namespace, service }: ServiceName): string {
  return serviceKey(prefix, namespace, service, "events");
}
