import type { Happened } from "./acts.ts";
import { failoverBoundMs, withoutStoreMs } from "./times.ts";

/** How long clients of Redis may take to come back to it, in ms: their waits between tries grow to that. */
const RECONNECT_MS = 2000;

/** Which way the first attempt of a request went, and when. */
export interface Path {
  readonly fromMs: number;
  readonly toMs: number;
  readonly gateway: number;
  /** The pods that the user's link named meanwhile, and the one that the gateway last saw the user at. */
  readonly pods: ReadonlySet<number>;
  /** The gateway had to ask the store: it did not know the user, or the link names another pod than it knew. */
  readonly asksStore: boolean;
}

/** A time in which a fault touches some paths. */
export interface Hit {
  readonly happened: Happened;
  readonly fromMs: number;
  readonly toMs: number;
  readonly touches: (path: Path) => boolean;
}

/**
 * Whom the faults of a run touch, and for how long: a process, those whose pod it is; a line, those whose way crosses it; an outage
 * of the link store that is shorter than the lease, those alone for whom somebody has to ask it, a longer one everybody, from when
 * leases are over. Always until the end of the fault and the failover bound. What is planned, and what only costs a
 * connection or a script, touches nobody.
 */
export function hitsOf(happened: readonly Happened[]): Hit[] {
  return happened.flatMap((one) => hitsOfOne(one, happened));
}

/** The first fault that touches the path. Absent: none does. */
export function hitBy(path: Path, hits: readonly Hit[]): Hit | undefined {
  return hits.find(({ fromMs, toMs, touches }) => fromMs <= path.toMs && toMs >= path.fromMs && touches(path));
}

function hitsOfOne(happened: Happened, all: readonly Happened[]): Hit[] {
  const { fault, fromMs, toMs } = happened;
  const { kind, pod = -1, gateway } = fault;
  const lastsMs = toMs - fromMs;
  const hit = (touches: Hit["touches"], times: Partial<Pick<Hit, "fromMs" | "toMs">> = {}): Hit => {
    return { happened, fromMs, toMs: recoveredMs(happened, all), touches, ...times };
  };
  switch (kind) {
    case "answers-lost":
    case "answers-late": // what was on the line at the end arrives then
      return [hit(({ pods }) => pods.has(pod), { toMs })];
    case "pod-kill":
    case "pod-freeze":
    case "requests-late":
    case "pod-cut-off-gateways":
      return [hit(({ pods }) => pods.has(pod))];
    case "pod-cut-off-store":
      // Whom it holds it serves without the store, to the end of its lease.
      return [hit(({ pods, asksStore }) => pods.has(pod) && (asksStore || lastsMs >= withoutStoreMs))];
    case "gateway-cut-off-store":
      return [hit((path) => path.gateway === gateway && path.asksStore, { toMs: toMs + RECONNECT_MS })];
    case "store-kill":
    case "store-freeze": {
      const asking = hit(({ asksStore }) => asksStore, { toMs: toMs + RECONNECT_MS });
      if (lastsMs < withoutStoreMs) return [asking];
      return [asking, hit(() => true, { fromMs: fromMs + withoutStoreMs })];
    }
    case "connections-killed":
    case "scripts-flushed":
    case "data-flushed":
    case "rolling-restart":
    case "scale":
      return [];
  }
}

/** When everybody is served again: failover needs the store, so it begins when that can be reached by all. */
function recoveredMs({ toMs }: Happened, all: readonly Happened[]): number {
  let endMs = toMs;
  for (const { fault, ...outage } of all.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const keepsFromStore = ["store-kill", "store-freeze", "gateway-cut-off-store"].includes(fault.kind);
    if (keepsFromStore && outage.fromMs < endMs + failoverBoundMs) endMs = Math.max(endMs, outage.toMs);
  }
  return endMs + failoverBoundMs;
}
