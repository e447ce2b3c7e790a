import { setTimeout as wait } from "node:timers/promises";

export interface UntilOptions {
  /** In milliseconds. Default 20 s. */
  readonly withinMs?: number;
  /** In milliseconds. Default 10. */
  readonly everyMs?: number;
}

/** Asks again until the answer isn't `undefined` or `false`. @throws Error `what` in time: with the last error as its cause */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  { withinMs = 20_000, everyMs = 10 }: UntilOptions = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    let cause: unknown;
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`, { cause });
    await wait(everyMs);
  }
}
