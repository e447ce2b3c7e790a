import type { CpuProfile } from "./profile.ts";
import { profiled } from "./profile.ts";
import type { Gauges } from "./calibration.ts";
import { expectedBaseline } from "./calibration.ts";
import { Ends } from "./ends.ts";
import type { Figure, Goal, Unit } from "./figure.ts";
import { goalText } from "./figure.ts";
import { median } from "./median.ts";

/** What a figure came to: medians of what each side cost, and of the ratios of the pairs. */
export interface Measured {
  readonly id: string;
  readonly ours: number;
  readonly baseline: number;
  readonly unit: Unit;
  /** baseline / ours where the goal is a least ratio; else ours / baseline. */
  readonly ratio: number;
  readonly spread: readonly [min: number, max: number];
  readonly goal: string;
  /** Never by a baseline that doesn't count. */
  readonly met: boolean;
  readonly variant?: string;
  readonly title: string;
  readonly baselineTitle: string;
  /** What the baseline should come to here, by what was seen of it before. Absent: nothing was. */
  readonly expected?: number;
  /** Whether the baseline is good enough to prove anything. Absent: nothing was seen of it before. */
  readonly counts?: boolean;
}

export interface MeasureOptions {
  readonly pairs: number;
  /** Rounds of each side before, which don't count. Default 4. */
  readonly warmUps?: number;
  /** Default false. */
  readonly tiny?: boolean;
  /** Default false. */
  readonly pin?: boolean;
  /** Tells how fast this machine is, beside each pair. Absent: baselines are not judged. */
  readonly gauges?: Gauges;
  /** Gets the processor's profile of all rounds of our side. Absent: none is made. */
  readonly onProfile?: (profile: CpuProfile) => void;
  /** Hears of each round of both sides before it begins, from 1 on. */
  readonly onRound?: (round: number, of: number) => void;
  /** Where what is to be ended is kept, for who breaks the run off. Default: one of its own. */
  readonly ends?: Ends;
}

/** A baseline slower than this share of what was seen of it, scaled, is badly written or badly measured. */
const LEAST_SHARE_OF_SEEN = 0.8;

interface Pair {
  readonly ours: number;
  readonly baseline: number;
  /** What the baseline should have come to at that time. Absent: not known. */
  readonly expected?: number;
}

/**
 * Measures both sides in turn (A B A B ...): machines are noisy, so only ratios within one run mean anything.
 * @throws Error when a side says something that no work can cost; whatever a side throws
 */
export async function measure(figure: Figure, options: MeasureOptions): Promise<Measured> {
  const { tiny = false, pin = false, ends = new Ends() } = options;
  const exact = figure.pairs !== undefined;
  const warmUps = exact ? 0 : (figure.warmUps ?? options.warmUps ?? 4);
  const rounds = warmUps + (figure.pairs ?? options.pairs);
  const pairs: Pair[] = [];
  try {
    const { ours, baseline } = await figure.prepare({ tiny, pin, defer: (end) => ends.add(end) });
    for (let round = 1; round <= rounds; round += 1) {
      options.onRound?.(round, rounds);
      const pair = { ours: await ours.run(), baseline: await baseline.run() };
      checkCosts(figure, pair);
      if (round > warmUps) pairs.push({ ...pair, ...(await expectation(figure, options.gauges)) });
    }
    // In rounds of its own: what is profiled is slower.
    if (options.onProfile !== undefined) {
      const round = async (): Promise<void> => void (await ours.run());
      options.onProfile(await (ours.profiled ?? profiled)(exact ? 1 : options.pairs, round));
    }
  } finally {
    await ends.end();
  }
  return judged(figure, pairs);
}

async function expectation({ seen }: Figure, gauges: Gauges | undefined): Promise<Pick<Pair, "expected"> | undefined> {
  if (seen === undefined || gauges === undefined) return undefined;
  return { expected: await expectedBaseline(seen, gauges) };
}

/** A ratio of nonsense may well meet a goal. Only bytes may be none at all, and only ours: nothing is done in no time. */
function checkCosts({ unit }: Figure, { ours, baseline }: Pair): void {
  const isPossible = (cost: number): boolean => Number.isFinite(cost) && cost > 0;
  if (!isPossible(ours) && !(unit === "bytes" && ours === 0)) throw new Error(`ours can't be ${ours} ${unit}`);
  if (!isPossible(baseline)) throw new Error(`the baseline can't be ${baseline} ${unit}`);
}

function judged(figure: Figure, pairs: readonly Pair[]): Measured {
  const { id, variant, title, unit, goal } = figure;
  const upwards = goal.ratioAtLeast !== undefined;
  const ratios = pairs.map(({ ours, baseline }) => (upwards ? baseline / ours : ours / baseline));
  const ours = median(pairs.map((pair) => pair.ours));
  const baseline = median(pairs.map((pair) => pair.baseline));
  const ratio = median(ratios);
  const expectations = pairs.flatMap(({ expected }) => (expected === undefined ? [] : [expected]));
  const shares = expectations.map((expected, index) => expected / pairs[index]!.baseline);
  const isCompared = upwards || goal.ratioAtMost !== undefined; // else the goal holds whatever the baseline is
  const counts = !isCompared || shares.length === 0 || median(shares) >= LEAST_SHARE_OF_SEEN;
  return {
    id,
    ours,
    baseline,
    unit,
    ratio,
    spread: [Math.min(...ratios), Math.max(...ratios)],
    goal: goalText(figure),
    met: counts && isMet(goal, { ours, ratio }),
    ...(variant === undefined ? undefined : { variant }),
    title,
    baselineTitle: figure.baseline,
    ...(expectations.length === 0 ? undefined : { expected: median(expectations), counts }),
  };
}

function isMet(goal: Goal, { ours, ratio }: { ours: number; ratio: number }): boolean {
  const { ratioAtLeast = -Infinity, ratioAtMost = Infinity, oursAtMost = Infinity } = goal;
  return ratio >= ratioAtLeast && ratio <= ratioAtMost && ours <= oursAtMost;
}
