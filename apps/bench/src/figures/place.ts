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
    const balancer = powerOfTwoChoices();
    const snapshot = snapshotOf(loads);
    const pods = podsOf(loads);
    const few = podsOf(loads.slice(0, 10));
    // V8 compiles it whole where it is called often. A first call that is long is compiled from its middle on, where nobody
    // knows any more that the iterator is a Map's, and may stay like that for the whole run: it takes five times as long.
    for (let turn = 0; turn < 100_000; turn += 1) lightest(few);
    const [placements, scans] = tiny ? [100, 2] : [3_000_000, 3000];
    // A loop for each side, with a sum of its own: a call in a loop that both share is compiled into neither.
    const placeAll = (): number => {
      let sum = 0;
      for (let turn = 0; turn < placements; turn += 1) sum += balancer.select(snapshot) ?? Number.NaN;
      return sum;
    };
    const scanAll = (): number => {
      let sum = 0;
      for (let turn = 0; turn < scans; turn += 1) sum += lightest(pods);
      return sum;
    };
    return { ours: { run: () => timed(placements, placeAll) }, baseline: { run: () => timed(scans, scanAll) } };
  },
};

interface Pod {
  readonly podIndex: number;
  readonly load: number;
}

const podsOf = (loads: readonly number[]): ReadonlyMap<number, Pod> =>
  new Map(loads.map((load, podIndex) => [podIndex, { podIndex, load }]));

function lightest(pods: ReadonlyMap<number, Pod>): number {
  let lowest = Infinity;
  let best: Pod | undefined;
  for (const pod of pods.values()) {
    if (pod.load < lowest) {
      best = pod;
      lowest = pod.load;
    }
  }
  return best?.podIndex ?? Number.NaN;
}

/** Nanoseconds for each of so many choices. @throws Error when one found no pod */
function timed(choices: number, choose: () => number): number {
  let sum = 0;
  const each = nsEach(choices, () => (sum = choose()));
  if (Number.isNaN(sum)) throw new Error("no pod was chosen");
  return each;
}

/** Of the same kinds of arrays as the state cache has. */
function snapshotOf(loadScores: readonly number[]): PodSnapshot {
  const filled = (value: number): Float64Array => new Float64Array(loadScores.length).fill(value);
  return {
    version: 1,
    count: loadScores.length,
    podIndexes: Uint16Array.from(loadScores.keys()),
    incarnations: filled(1),
    reportNumbers: filled(1),
    loadScores: Float64Array.from(loadScores),
    linkCounts: filled(100),
    weights: filled(1),
    warmths: filled(1),
  };
}
