import type { Hit, Path } from "./hits.ts";
import { hitBy } from "./hits.ts";
import type { LinkHistory } from "./link-history.ts";
import type { Stall } from "./stalls.ts";
import type { RequestRecord, Requests } from "./requests.ts";

/** How users were served: by the first attempt, or not. */
export interface Availability {
  readonly requests: number;
  /** Requests on whose way there was a fault. */
  readonly hit: number;
  readonly hitServed: number;
  /** Users who were on such a way at least once. */
  readonly hitUsers: number;
  /** Of the rest, those that were not served at once while the machine stood still: left out. */
  readonly stalled: number;
  /** Requests on whose way there was no fault. */
  readonly others: number;
  readonly othersServed: number;
  /** Of the others, those that were not served at once. */
  readonly unexplained: readonly RequestRecord[];
  /** How many requests each fault hit, by its place among the faults. */
  readonly byFault: ReadonlyMap<Hit["happened"], { readonly hit: number; readonly served: number }>;
}

export function availabilityOf(
  requests: Requests,
  { links, stalls }: { readonly links: LinkHistory; readonly stalls: readonly Stall[] },
  hits: readonly Hit[],
): Availability {
  const byFault = new Map<Hit["happened"], { hit: number; served: number }>();
  const users = new Set<string>();
  const unexplained: RequestRecord[] = [];
  const sums = { requests: 0, hit: 0, hitServed: 0, stalled: 0, others: 0, othersServed: 0 };
  for (const request of requests.all()) {
    const isServed = request.outcome === "acknowledged" && request.troubles.length === 0;
    const by = hitBy(pathOf(request, requests, links), hits);
    sums.requests += 1;
    if (by === undefined) {
      if (!isServed && stalls.some(({ fromMs, toMs }) => fromMs <= request.firstEndedMs && toMs >= request.dueMs)) {
        sums.stalled += 1;
        continue;
      }
      sums.others += 1;
      if (isServed) sums.othersServed += 1;
      else unexplained.push(request);
      continue;
    }
    sums.hit += 1;
    users.add(request.uid);
    const counted = byFault.get(by.happened) ?? { hit: 0, served: 0 };
    byFault.set(by.happened, counted);
    counted.hit += 1;
    if (!isServed) continue;
    sums.hitServed += 1;
    counted.served += 1;
  }
  return { ...sums, hitUsers: users.size, unexplained, byFault };
}

/** The way of a request's first attempt, by the store's history and what its gateway had been told. */
export function pathOf(
  { uid, dueMs, firstEndedMs, firstGateway }: RequestRecord,
  requests: Requests,
  links: LinkHistory,
): Path {
  const holders = links.holders(uid, dueMs, firstEndedMs);
  const seen = requests.lastSeen(uid, firstGateway, dueMs);
  return {
    fromMs: dueMs,
    toMs: firstEndedMs,
    gateway: firstGateway,
    pods: seen === undefined ? holders : new Set(holders).add(seen),
    asksStore: seen === undefined || holders.size !== 1 || !holders.has(seen),
  };
}
