/** The middle value; between the two middle ones of an even number. */
export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** The value that `share` of the others are below; between two, in proportion. NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
