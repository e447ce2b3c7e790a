import type { PodRow } from "@podlink/types";
import type { GatewayService } from "./options.ts";
import { notFound } from "./services.ts";

export type ListedPod = Pick<
  PodRow,
  "podIndex" | "incarnation" | "serviceState" | "routingState" | "loadScore" | "linkCount" | "address" | "metadata"
>;

/**
 * The pods of a service as this gateway sees them. Left out: those that said goodbye, and those that fell silent past their lease.
 * @throws RouteError SERVICE_NOT_FOUND when none was ever registered; STORE_UNAVAILABLE or TIMEOUT before the first reading.
 */
export async function listPods(handle: GatewayService): Promise<ListedPod[]> {
  await handle.init();
  const pods = handle.pods();
  if (pods.length === 0) throw notFound(handle.service);
  return pods
    .filter(({ row, goodbye, alive }) => !goodbye && (alive || row.serviceState === "Failed"))
    .map(({ row }) => ({
      podIndex: row.podIndex,
      incarnation: row.incarnation,
      serviceState: row.serviceState,
      routingState: row.routingState,
      loadScore: row.loadScore,
      linkCount: row.linkCount,
      ...(row.address === undefined ? undefined : { address: row.address }),
      metadata: row.metadata,
    }));
}
