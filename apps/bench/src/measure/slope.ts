import { median } from "./median.ts";

/** How much a series grows from its beginning to its end, by the median of the slopes of all pairs (Theil-Sen): outliers don't count. */
export function growth(series: readonly number[]): number {
  const slopes = series.flatMap((from, index) =>
    series.slice(index + 1).map((to, further) => (to - from) / (further + 1)),
  );
  return slopes.length === 0 ? 0 : median(slopes) * (series.length - 1);
}
