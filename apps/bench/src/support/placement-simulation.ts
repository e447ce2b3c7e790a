import type { LoadBalancer, PodSnapshot } from "@podlink/types";

const PODS = 100;
const CALLERS = 50;
const PLACEMENTS_PER_MS = 10;
const REPORT_EVERY_MS = 1000;

export interface Simulation {
  readonly seconds: number;
  readonly random: () => number;
  readonly linksAtStart: (podIndex: number) => number;
  /** Called once for each caller. */
  readonly balancer: () => LoadBalancer;
}

export interface Balance {
  readonly busiestToMean: number;
  /** The most that any pod got in one second, over its share of that second. */
  readonly worstSecond: number;
}

/** Callers that place on pods which report what they hold each second, every pod at its own moment. */
export function simulate({ seconds, random, linksAtStart, balancer }: Simulation): Balance {
  const pods = Array.from({ length: PODS }, (_, podIndex) => podIndex);
  const phases = pods.map(() => Math.floor(random() * REPORT_EVERY_MS));
  const links = pods.map(linksAtStart);
  const placed = pods.map(() => 0);
  const seen = snapshot(pods, links);
  const balancers = Array.from({ length: CALLERS }, balancer);
  let thisSecond = pods.map(() => 0);
  let worst = 0;
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += 1) {
    for (const podIndex of pods) {
      if (nowMs % REPORT_EVERY_MS !== phases[podIndex]) continue;
      seen.linkCounts[podIndex] = links[podIndex]!;
      seen.reportNumbers[podIndex]! += 1;
      seen.version += 1;
    }
    for (let turn = 0; turn < PLACEMENTS_PER_MS; turn += 1) {
      const podIndex = balancers[Math.floor(random() * CALLERS)]!.select(seen)!;
      for (const counts of [links, placed, thisSecond]) counts[podIndex]! += 1;
    }
    if (nowMs % 1000 !== 999) continue;
    worst = Math.max(worst, ...thisSecond);
    thisSecond = pods.map(() => 0);
  }
  const mean = (PLACEMENTS_PER_MS * 1000 * seconds) / PODS;
  return {
    busiestToMean: Math.max(...placed) / mean,
    worstSecond: worst / ((PLACEMENTS_PER_MS * 1000) / PODS),
  };
}

interface Reported extends PodSnapshot {
  version: number;
  readonly reportNumbers: Float64Array;
  readonly linkCounts: Float64Array;
}

/** Of the same kinds of arrays as the state cache has. */
const snapshot = (pods: readonly number[], links: readonly number[]): Reported => ({
  version: 1,
  count: pods.length,
  podIndexes: Uint16Array.from(pods),
  incarnations: new Float64Array(pods.length).fill(1),
  reportNumbers: new Float64Array(pods.length).fill(1),
  loadScores: new Float64Array(pods.length),
  linkCounts: Float64Array.from(links),
  weights: new Float64Array(pods.length).fill(1),
  warmths: new Float64Array(pods.length).fill(1),
});
