import type { Clock } from "@podlink/types";
import { defer } from "@podlink/types";

const WITHIN_MS = 10_000;

export interface WaitOptions {
  /** The longest wait, in milliseconds. Default 10,000. */
  readonly withinMs?: number;
}

interface Wait {
  readonly what: string;
  readonly look: () => boolean;
  readonly fail: (error: unknown) => void;
}

/** Promises for what will happen. Each settles: when it has happened, in time, or at the end. */
export class Waits {
  readonly #clock: Clock;
  readonly #waits = new Set<Wait>();
  #over: Error | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param ask `undefined`: not yet */
  for<T>(what: string, ask: () => T | undefined, { withinMs = WITHIN_MS }: WaitOptions = {}): Promise<T> {
    const { promise, resolve, reject } = defer<T>();
    promise.catch(() => undefined); // a test that failed elsewhere doesn't wait for it any more
    const settle = (): void => {
      timer.cancel();
      this.#waits.delete(wait);
    };
    const wait: Wait = {
      what,
      look: () => {
        const answer = ask();
        if (answer !== undefined) {
          settle();
          resolve(answer);
        }
        return answer !== undefined;
      },
      fail: (error) => {
        settle();
        reject(error);
      },
    };
    const timer = this.#clock.setTimer(withinMs, () => wait.fail(new Error(`Not within ${withinMs} ms: ${what}`)));
    this.#waits.add(wait);
    this.#try(wait);
    if (this.#over !== undefined) wait.fail(this.#over);
    return promise;
  }

  /** Something happened. */
  look(): void {
    for (const wait of Array.from(this.#waits)) this.#try(wait);
  }

  /** Nothing more will happen. */
  end(why: string): void {
    this.#over = new Error(why);
    for (const wait of Array.from(this.#waits)) wait.fail(new Error(`${why} before this happened: ${wait.what}`));
  }

  #try(wait: Wait): void {
    try {
      wait.look();
    } catch (error) {
      wait.fail(error);
    }
  }
}
