import type { Histogram } from "hdr-histogram-js";
import { build } from "hdr-histogram-js";

/** Durations in milliseconds, each right to three digits. */
export interface Percentiles {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** The histogram counts whole microseconds. */
const UNITS_PER_MS = 1000;

/** Durations, of which only the distribution is kept: the size does not depend on how many there are. */
export class Latencies {
  readonly #histogram: Histogram = build({ numberOfSignificantValueDigits: 3, bitBucketSize: 32 });

  record(durationMs: number): void {
    this.#histogram.recordValue(Math.max(0, Math.round(durationMs * UNITS_PER_MS)));
  }

  add(others: Latencies): void {
    if (others.#histogram.totalCount > 0) this.#histogram.add(others.#histogram);
  }

  /** Absent: nothing was recorded. */
  get percentiles(): Percentiles | undefined {
    const { totalCount, mean, maxValue } = this.#histogram;
    if (totalCount === 0) return undefined;
    // A percentile is the upper end of what counts as equal to it, which may lie above the highest value.
    const at = (percent: number): number =>
      round(Math.min(this.#histogram.getValueAtPercentile(percent), maxValue) / UNITS_PER_MS);
    return {
      count: totalCount,
      meanMs: round(mean / UNITS_PER_MS),
      p50Ms: at(50),
      p90Ms: at(90),
      p99Ms: at(99),
      p999Ms: at(99.9),
      maxMs: round(maxValue / UNITS_PER_MS),
    };
  }
}

function round(ms: number): number {
  return Math.round(ms * UNITS_PER_MS) / UNITS_PER_MS;
}
