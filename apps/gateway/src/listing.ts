import type { PodRow } from "@podlink/types";
import type { PodStatus, ServiceStatus } from "podlink";
import type { GatewayService } from "./options.ts";
import { notFound } from "./services.ts";

/** A pod as this gateway sees it, without what isn't known. Times in milliseconds. */
export type ListedPod = Pick<
  PodRow,
  "podIndex" | "incarnation" | "serviceState" | "routingState" | "loadScore" | "linkCount" | "metadata"
> &
  Partial<Pick<PodRow, "address" | "zone" | "version">> &
  Pick<PodStatus, "alive" | "available" | "routable" | "warmth" | "links"> &
  Partial<
    Pick<PodStatus, "notRoutable" | "notAvailableForMs" | "lastReportAgeMs" | "leaseEndsInMs" | "linksWaitForMs">
  > & {
    /** Of the whole service, and the same in each entry: how far what this gateway sees is to be believed. */
    readonly seen: Omit<ServiceStatus, "pods">;
  };

/**
 * The pods of a service as this gateway sees them. Left out, unless `all` are asked for: those that said goodbye, and those that
 * fell silent past their lease.
 * @throws RouteError SERVICE_NOT_FOUND when none was ever registered; STORE_UNAVAILABLE or TIMEOUT before the first reading.
 */
export async function listPods(
  handle: GatewayService,
  { all = false }: { readonly all?: boolean } = {},
): Promise<ListedPod[]> {
  await handle.init();
  const { pods, ...seen } = handle.status();
  if (pods.length === 0) throw notFound(handle.service);
  return pods
    .filter(({ row, goodbye, alive }) => all || (!goodbye && (alive || row.serviceState === "Failed")))
    .map((pod) => listed(pod, seen));
}

function listed({ row, goodbye: _goodbye, ...status }: PodStatus, seen: ListedPod["seen"]): ListedPod {
  const { podIndex, incarnation, serviceState, routingState, loadScore, linkCount, address, metadata, zone, version } =
    row;
  return {
    podIndex,
    incarnation,
    serviceState,
    routingState,
    loadScore,
    linkCount,
    ...(address === undefined ? undefined : { address }),
    ...(zone === undefined ? undefined : { zone }),
    ...(version === undefined ? undefined : { version }),
    metadata,
    ...status,
    seen,
  };
}
