import type { LoadBalancer, PodSnapshot } from "@podlink/types";

export interface Scene {
  readonly pods: number;
  readonly callers: number;
  /** By all callers together. */
  readonly placementsPerSecond: number;
  readonly seconds: number;
  /** Reports are made every so often by each pod, at its own moment or all together, and seen so much later. */
  readonly reportEveryMs: number;
  readonly reportsTogether?: boolean;
  readonly seenAfterMs?: number;
  /** Links that pods have at the beginning. Default 0. */
  readonly linksAtStart?: (podIndex: number) => number;
  readonly weight?: (podIndex: number) => number;
  /** How long a link lasts. Absent: for ever. */
  readonly sessionMs?: number;
  readonly random: () => number;
  readonly balancer: (caller: number) => LoadBalancer;
}

export interface Outcome {
  /** Links placed in the run, by pod. */
  readonly placed: number[];
  readonly links: number[];
  readonly busiestToMean: number;
  /** The most that any pod got in one second, over its fair share of that second. */
  readonly worstSecond: number;
}

interface Column extends PodSnapshot {
  version: number;
  readonly reportNumbers: number[];
  readonly linkCounts: number[];
}

/** Callers that place links on pods which report what they hold, late. */
export function simulate(scene: Scene): Outcome {
  const { pods, callers, random, reportEveryMs, seenAfterMs = 0 } = scene;
  const indexes = Array.from({ length: pods }, (_, podIndex) => podIndex);
  const weights = indexes.map((podIndex) => scene.weight?.(podIndex) ?? 1);
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
  const links = indexes.map((podIndex) => scene.linksAtStart?.(podIndex) ?? 0);
  const placed = indexes.map(() => 0);
  const seen: Column = {
    version: 1,
    count: pods,
    podIndexes: indexes,
    incarnations: indexes.map(() => 1),
    reportNumbers: indexes.map(() => 1),
    linkCounts: [...links],
    loadScores: indexes.map(() => 0),
    weights,
    warmths: indexes.map(() => 1),
  };
  const phases = indexes.map(() => (scene.reportsTogether === true ? 0 : Math.floor(random() * reportEveryMs)));
  const balancers = Array.from({ length: callers }, (_, caller) => scene.balancer(caller));
  const arriving: { readonly atMs: number; readonly podIndex: number; readonly linkCount: number }[] = [];
  const leaving: { readonly atMs: number; readonly podIndex: number }[] = [];
  let left = 0; // how many of `leaving` have
  let thisSecond = indexes.map(() => 0);
  let worstSecond = 0;
  let owed = 0;
  for (let nowMs = 0; nowMs < scene.seconds * 1000; nowMs += 1) {
    for (const podIndex of indexes) {
      if (nowMs % reportEveryMs !== phases[podIndex]) continue;
      arriving.push({ atMs: nowMs + seenAfterMs, podIndex, linkCount: links[podIndex]! });
    }
    while (arriving.length > 0 && arriving[0]!.atMs <= nowMs) {
      const { podIndex, linkCount } = arriving.shift()!;
      seen.linkCounts[podIndex] = linkCount;
      seen.reportNumbers[podIndex]! += 1;
      seen.version += 1;
    }
    for (; left < leaving.length && leaving[left]!.atMs <= nowMs; left += 1) links[leaving[left]!.podIndex]! -= 1;
    for (owed += scene.placementsPerSecond / 1000; owed >= 1; owed -= 1) {
      const podIndex = balancers[Math.floor(random() * callers)]!.select(seen)!;
      placed[podIndex]! += 1;
      links[podIndex]! += 1;
      thisSecond[podIndex]! += 1;
      if (scene.sessionMs !== undefined) leaving.push({ atMs: nowMs + scene.sessionMs, podIndex });
    }
    if (nowMs % 1000 === 999) {
      for (const podIndex of indexes) {
        const fair = (scene.placementsPerSecond * weights[podIndex]!) / totalWeight;
        worstSecond = Math.max(worstSecond, thisSecond[podIndex]! / fair);
      }
      thisSecond = indexes.map(() => 0);
    }
  }
  const mean = placed.reduce((sum, count) => sum + count, 0) / totalWeight;
  const busiestToMean = Math.max(...placed.map((count, podIndex) => count / weights[podIndex]! / mean));
  return { placed, links, busiestToMean, worstSecond };
}

/** What the original did: the pod with the lowest reported load, whoever else chooses it meanwhile. */
export function lowestLoad(random: () => number): LoadBalancer {
  return {
    select({ count, linkCounts }) {
      let best = Math.floor(random() * count); // among equals any
      for (let position = 0; position < count; position += 1) {
        if (linkCounts[position]! < linkCounts[best]!) best = position;
      }
      return best;
    },
  };
}
