import type { GatewaySource } from "./options.ts";
import type { RoutedService } from "./services.ts";

export interface GatewayHealth {
  readonly status: "ok" | "degraded" | "unavailable";
  /** Absent: nothing is wrong. */
  readonly reason?: string;
}

/**
 * Whether this gateway can route, from what is known here; makes no call. With the store down it goes on routing the users
 * whose links it has, so that an outage of the store doesn't take away every gateway at once.
 */
export function healthOf(podlink: GatewaySource, services: Iterable<RoutedService>): GatewayHealth {
  let needsPods = false;
  let canRoute = false;
  for (const { handle, isExpected } of services) {
    const pods = handle.pods();
    needsPods ||= isExpected || pods.some(({ goodbye }) => !goodbye);
    canRoute ||= pods.some(({ available }) => available);
    if (canRoute) break;
  }
  const store = podlink.health();
  if (!store.healthy) {
    const reason = `the store can't be reached: ${store.reason ?? "no reason given"}`;
    return { status: canRoute ? "degraded" : "unavailable", reason };
  }
  if (needsPods && !canRoute) return { status: "unavailable", reason: "no pod is available" };
  return { status: "ok" };
}
