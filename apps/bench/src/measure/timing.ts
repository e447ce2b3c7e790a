import { percentile } from "./median.ts";

/** Nanoseconds for each of `operations` calls that `work` makes. */
export function nsEach(operations: number, work: () => void): number {
  const start = performance.now();
  work();
  return ((performance.now() - start) * 1e6) / operations;
}

/** Runs `work` for 0 to `total` - 1 by so many callers at a time; nanoseconds for each. */
export async function nsEachBy(
  callers: number,
  total: number,
  work: (turn: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < total) await work(next++);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return ((performance.now() - start) * 1e6) / total;
}

/**
 * Runs `work` for 0 to `total` - 1, one after the other; the percentile of what each took, in microseconds.
 * @param rest what comes after each and doesn't count. Absent: nothing
 */
export async function usPercentile(
  share: number,
  total: number,
  work: (turn: number) => Promise<unknown>,
  rest?: () => Promise<unknown>,
): Promise<number> {
  const taken: number[] = [];
  for (let turn = 0; turn < total; turn += 1) {
    const start = performance.now();
    await work(turn);
    taken.push((performance.now() - start) * 1000);
    await rest?.();
  }
  return percentile(taken, share);
}
