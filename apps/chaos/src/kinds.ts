import type { SeededRandom } from "@podlink/testkit";
import { failoverBoundMs, times } from "./times.ts";

/** What may happen, by what it happens to. */
export const GROUPS = {
  process: ["pod-kill", "pod-freeze"],
  /** What leaves an owner behind who does not know that his users have another, with requests on their way to him. */
  stale: ["requests-late"],
  /** What was carried out, and nobody hears of it in time. */
  answers: ["answers-lost", "answers-late"],
  line: ["pod-cut-off-store", "pod-cut-off-gateways", "gateway-cut-off-store"],
  store: ["store-kill", "store-freeze", "connections-killed", "scripts-flushed", "data-flushed"],
  planned: ["rolling-restart", "scale"],
} as const;

export type Group = keyof typeof GROUPS;
export type FaultKind = (typeof GROUPS)[Group][number];

export const KINDS: readonly FaultKind[] = Object.values(GROUPS).flat();

/** How many pods and gateways there are; while the service is scaled, no fault befalls one pod in particular. */
export const PODS = 5;
export const GATEWAYS = 2;

/** What chance decides of a fault, and how long nothing else begins after it. */
export interface Drawn {
  readonly lastsMs: number;
  readonly restMs: number;
  readonly pod?: number;
  readonly gateway?: number;
  readonly afterEnd?: "resume" | "dead";
  readonly share?: number;
  readonly lateMs?: number;
}

/** Whoever lost a pod is back within the bound; a pod that was killed is there again one lease after its start. */
const AFTER_POD_MS = failoverBoundMs + 2000;
/** When everybody whose pod is silent has another one, and some of them were served there. */
const MOVED_MS = times.leaseMs + times.graceMs + 1000;

export function draw(kind: FaultKind, random: SeededRandom): Drawn {
  const pod = random.integer(0, PODS - 1);
  const afterEnd = random.chance(0.5) ? "resume" : "dead";
  switch (kind) {
    case "pod-kill":
      return { pod, lastsMs: random.integer(300, 2500), restMs: AFTER_POD_MS };
    case "pod-freeze": // its users are served elsewhere for some seconds before it wakes up
      return { pod, lastsMs: MOVED_MS + random.integer(3000, 7000), restMs: AFTER_POD_MS };
    case "requests-late": // what was sent before they moved arrives after it, for some seconds
      return { pod, lastsMs: MOVED_MS + random.integer(4000, 6000), restMs: AFTER_POD_MS, lateMs: MOVED_MS + 1000 };
    case "answers-lost":
      return { pod, lastsMs: random.integer(3000, 6000), restMs: 2000, share: random.integer(20, 60) / 100 };
    case "answers-late": {
      const lateMs = 2 * times.responseTimeoutMs + random.integer(200, 2000);
      return { pod, lastsMs: random.integer(3000, 6000), restMs: 2000, share: random.integer(20, 60) / 100, lateMs };
    }
    case "pod-cut-off-store":
      return { pod, afterEnd, lastsMs: random.integer(1000, 2 * times.leaseMs), restMs: AFTER_POD_MS };
    case "pod-cut-off-gateways":
      return { pod, afterEnd, lastsMs: random.integer(1000, 4000), restMs: 3000 };
    case "gateway-cut-off-store":
      return { gateway: random.integer(0, GATEWAYS - 1), afterEnd, lastsMs: random.integer(1500, 8000), restMs: 3000 };
    case "store-kill":
    case "store-freeze":
      return outage(random);
    case "connections-killed":
      return { lastsMs: 1000, restMs: 2500 };
    case "scripts-flushed":
      return { lastsMs: 1500, restMs: 1000 };
    case "data-flushed":
      return { lastsMs: 0, restMs: 5000 };
    case "rolling-restart":
      return { lastsMs: 15_000, restMs: 2000 };
    case "scale":
      return { lastsMs: 12_000, restMs: 2000 };
  }
}

/** Of the link store: much shorter than a lease, or longer than one. */
function outage(random: SeededRandom): Drawn {
  return random.chance(0.5)
    ? { lastsMs: random.integer(200, times.leaseMs / 3), restMs: 3000 }
    : { lastsMs: times.leaseMs + random.integer(500, 2000), restMs: AFTER_POD_MS };
}

/** What may happen beside it. Planned steps go on beside what must not disturb them; faults of pods beside most others. */
export function companionsOf(kind: FaultKind): readonly FaultKind[] {
  switch (kind) {
    case "pod-kill":
    case "pod-freeze":
    case "requests-late":
    case "answers-lost":
    case "answers-late":
    case "pod-cut-off-store":
    case "pod-cut-off-gateways":
      return ["pod-kill", "pod-freeze", "pod-cut-off-store", "gateway-cut-off-store", "store-freeze", "data-flushed"];
    case "gateway-cut-off-store":
      return ["pod-kill", "store-kill", "connections-killed"];
    case "store-freeze":
    case "store-kill":
      return ["pod-kill"];
    case "rolling-restart":
    case "scale":
      return ["connections-killed", "scripts-flushed"];
    case "connections-killed":
    case "scripts-flushed":
    case "data-flushed":
      return [];
  }
}
