import type { Clock, Timer } from "@podlink/types";
import { systemClock } from "@podlink/types";

export interface SamplingOptions {
  /** From the end of a round to the next, in milliseconds. Default 100. */
  readonly everyMs?: number;
  /** Default: the clock of this process. */
  readonly clock?: Clock;
}

/** Rounds of looks that go on until they are closed. They don't keep the process alive. */
export interface Sampling extends AsyncDisposable {
  /** How many rounds are over. */
  readonly rounds: number;
  /** How many single looks failed: a process that was asked is down, for example. They stop nothing. */
  readonly failures: number;
  /** What the last of them failed with. */
  readonly lastError: unknown;
  /** No round begins any more; resolves when the one under way is over. Idempotent. */
  close(): Promise<void>;
}

/** Anything that looks when it is told to. */
export interface Sampled {
  sample(): unknown;
}

/** Has each of them look, one after another, at once and then again and again. Rounds never overlap. */
export function sampling(sampled: readonly Sampled[], options: SamplingOptions = {}): Sampling {
  const { everyMs = 100, clock = systemClock } = options;
  let rounds = 0;
  let failures = 0;
  let lastError: unknown;
  let closed = false;
  let timer: Timer | undefined;

  async function round(): Promise<void> {
    for (const one of sampled) {
      if (closed) return;
      try {
        await one.sample();
      } catch (error) {
        failures += 1;
        lastError = error;
      }
    }
    rounds += 1;
    if (!closed) timer = clock.setTimer(everyMs, begin);
  }

  let underWay = Promise.resolve();
  function begin(): void {
    underWay = round();
  }
  begin();

  const close = (): Promise<void> => {
    closed = true;
    timer?.cancel();
    return underWay;
  };
  return {
    get rounds() {
      return rounds;
    },
    get failures() {
      return failures;
    },
    get lastError() {
      return lastError;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
