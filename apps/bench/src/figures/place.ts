import { powerOfTwoChoices } from "@podlink/load-balancer";
import type { PodSnapshot } from "@podlink/types";
import type { Figure } from "../measure/figure.ts";
import { nsEach } from "../measure/timing.ts";

const PODS = 10_000;

/** Choosing the pod of a new link among many. */
export const place: Figure = {
  id: "place-10k",
  title: `best of ${PODS} pods`,
  baseline: "scan of a Map for the lowest load",
  unit: "ns",
  goal: { ratioAtLeast: 500 },
  seen: { baseline: 29_000, scaledBy: "core" },
  prepare({ tiny }) {
    const loads = Array.from({ length: PODS }, (_, index) => (index * 7919) % 90);
    const pods = new Map(loads.map((load, podIndex) => [podIndex, { podIndex, load }]));
    const balancer = powerOfTwoChoices();
    const snapshot = snapshotOf(loads);
    let sum = 0;
    const scan = (): number => {
      let best: { podIndex: number; load: number } | undefined;
      for (const pod of pods.values()) if (best === undefined || pod.load < best.load) best = pod;
      return best?.podIndex ?? Number.NaN;
    };
    const over = (operations: number, choose: () => number) => (): number => {
      const each = nsEach(operations, () => {
        for (let turn = 0; turn < operations; turn += 1) sum += choose();
      });
      if (Number.isNaN(sum)) throw new Error("no pod was chosen");
      return each;
    };
    return {
      ours: { run: over(tiny ? 100 : 3_000_000, () => balancer.select(snapshot) ?? Number.NaN) },
      baseline: { run: over(tiny ? 2 : 3000, scan) },
    };
  },
};

function snapshotOf(loadScores: readonly number[]): PodSnapshot {
  const filled = (value: number): Float64Array => new Float64Array(loadScores.length).fill(value);
  return {
    version: 1,
    count: loadScores.length,
    podIndexes: Float64Array.from(loadScores.keys()),
    incarnations: filled(1),
    reportNumbers: filled(1),
    loadScores: Float64Array.from(loadScores),
    linkCounts: filled(100),
    weights: filled(1),
    warmths: filled(1),
  };
}
