import type { CpuProfile } from "./profile.ts";
import { profiled } from "./profile.ts";
import type { Speeds } from "./calibration.ts";
import { expectedBaseline } from "./calibration.ts";
import { Ends } from "./ends.ts";
import type { Figure, Goal, Unit } from "./figure.ts";
import { goalText } from "./figure.ts";
import { median } from "./median.ts";

/** What a figure came to: medians of what each side cost, and of the ratios of the pairs. */
export interface Measured {
  readonly id: string;
  readonly variant?: string;
  readonly title: string;
  readonly ours: number;
  readonly baseline: number;
  readonly baselineTitle: string;
  readonly unit: Unit;
  /** baseline / ours where the goal is a least ratio; else ours / baseline. */
  readonly ratio: number;
  readonly spread: readonly [min: number, max: number];
  readonly goal: string;
  readonly met: boolean;
  /** What the baseline should come to here, by what was seen of it before. Absent: nothing was. */
  readonly expected?: number;
  /** Whether the baseline is good enough to prove anything. Absent: nothing was seen of it before. */
  readonly counts?: boolean;
}

export interface MeasureOptions {
  readonly pairs: number;
  /** Rounds of each side before, which don't count. Default 2. */
  readonly warmUps?: number;
  /** Default false. */
  readonly tiny?: boolean;
  /** Default false. */
  readonly pin?: boolean;
  /** How fast this machine is. Absent: baselines are not judged. */
  readonly speeds?: Speeds;
  /** Gets the processor's profile of all rounds of our side. Absent: none is made. */
  readonly onProfile?: (profile: CpuProfile) => void;
  /** Where what is to be ended is kept, for who breaks the run off. Default: one of its own. */
  readonly ends?: Ends;
}

/** A baseline slower than this share of what was seen of it, scaled, is badly written or badly measured. */
const LEAST_SHARE_OF_SEEN = 0.8;

/** Measures both sides in turn (A B A B ...): machines are noisy, so only ratios within one run mean anything. */
export async function measure(figure: Figure, options: MeasureOptions): Promise<Measured> {
  const { warmUps = 2, tiny = false, pin = false, ends = new Ends() } = options;
  const exact = figure.pairs !== undefined;
  const pairs: { ours: number; baseline: number }[] = [];
  try {
    const { ours, baseline } = await figure.prepare({ tiny, pin, defer: (end) => ends.add(end) });
    for (let round = 0; !exact && round < warmUps; round += 1) {
      await ours.run();
      await baseline.run();
    }
    for (let pair = 0; pair < (figure.pairs ?? options.pairs); pair += 1) {
      pairs.push({ ours: await ours.run(), baseline: await baseline.run() });
    }
    // In rounds of its own: what is profiled is slower.
    if (options.onProfile !== undefined) {
      const round = async (): Promise<void> => void (await ours.run());
      options.onProfile(await profiled(exact ? 1 : options.pairs, round));
    }
  } finally {
    await ends.end();
  }
  return judged(figure, pairs, options.speeds);
}

function judged(
  figure: Figure,
  pairs: readonly { readonly ours: number; readonly baseline: number }[],
  speeds: Speeds | undefined,
): Measured {
  const { id, variant, title, unit, goal, seen } = figure;
  const upwards = goal.ratioAtLeast !== undefined;
  const ratios = pairs.map(({ ours, baseline }) => (upwards ? baseline / ours : ours / baseline));
  const ours = median(pairs.map((pair) => pair.ours));
  const baseline = median(pairs.map((pair) => pair.baseline));
  const ratio = median(ratios);
  const expected = seen && speeds && expectedBaseline(seen, speeds);
  return {
    id,
    ...(variant === undefined ? undefined : { variant }),
    title,
    ours,
    baseline,
    baselineTitle: figure.baseline,
    unit,
    ratio,
    spread: [Math.min(...ratios), Math.max(...ratios)],
    goal: goalText(figure),
    met: isMet(goal, { ours, ratio }),
    ...(expected === undefined ? undefined : { expected, counts: expected / baseline >= LEAST_SHARE_OF_SEEN }),
  };
}

function isMet(goal: Goal, { ours, ratio }: { ours: number; ratio: number }): boolean {
  const { ratioAtLeast = Number.NEGATIVE_INFINITY, ratioAtMost = Number.POSITIVE_INFINITY } = goal;
  // Compared so that NaN meets no goal that there is.
  if (goal.ratioAtLeast !== undefined && !(ratio >= ratioAtLeast)) return false;
  if (goal.ratioAtMost !== undefined && !(ratio <= ratioAtMost)) return false;
  return goal.oursAtMost === undefined || ours <= goal.oursAtMost;
}
