/** One side of a figure: does its work and says what one operation cost, in the figure's unit. */
interface Side {
  run(): Promise<number> | number;
}

/** A figure: ours beside a baseline that a good engineer would write by hand. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  /** How many times faster than the baseline ours is to be. */
  readonly goal: number;
  readonly baseline: string;
  /** What both sides are counted in. Default "ns". */
  readonly unit?: "ns" | "bytes";
  /** How often both sides are measured, where that is not up to the caller: what is exact needs no medians. */
  readonly pairs?: number;
  /** Makes both sides ready. */
  prepare(): Promise<{ readonly ours: Side; readonly baseline: Side; readonly end: () => Promise<void> }>;
}

/** What a figure came to: medians for each operation; the ratio is baseline / ours, so more is better. */
export interface Measured {
  readonly id: string;
  readonly title: string;
  readonly ours: number;
  readonly baseline: number;
  readonly unit: "ns" | "bytes";
  readonly ratio: number;
  readonly spread: readonly [min: number, max: number];
  readonly goal: number;
  readonly met: boolean;
}

const WARM_UPS = 2;

/**
 * Measures both sides in turn (A B A B ...): machines are noisy, so only ratios within one run mean anything.
 * @param warmUps rounds of each side before, which don't count.
 */
export async function measure(figure: Figure, pairs: number, warmUps: number = WARM_UPS): Promise<Measured> {
  const { ours, baseline, end } = await figure.prepare();
  const times = figure.pairs ?? pairs;
  try {
    for (let round = 0; figure.pairs === undefined && round < warmUps; round += 1) {
      await ours.run();
      await baseline.run();
    }
    const measured: { ours: number; baseline: number }[] = [];
    for (let pair = 0; pair < times; pair += 1) {
      measured.push({ ours: await ours.run(), baseline: await baseline.run() });
    }
    const ratios = measured.map((pair) => pair.baseline / pair.ours);
    const ratio = median(ratios);
    return {
      id: figure.id,
      title: figure.title,
      ours: median(measured.map((pair) => pair.ours)),
      baseline: median(measured.map((pair) => pair.baseline)),
      unit: figure.unit ?? "ns",
      ratio,
      spread: [Math.min(...ratios), Math.max(...ratios)],
      goal: figure.goal,
      met: ratio >= figure.goal,
    };
  } finally {
    await end();
  }
}

/** Nanoseconds for each of `operations` calls that `work` makes. */
export function nsEach(operations: number, work: () => void): number {
  const start = performance.now();
  work();
  return ((performance.now() - start) * 1e6) / operations;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
