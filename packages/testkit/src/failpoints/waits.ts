import { later } from "./acts.ts";
import type { FailpointName } from "./points.ts";

interface Wait {
  readonly hits: number;
  settle(error?: Error): void;
}

/** Those who wait until a point was hit so many times. */
export class Waits {
  readonly #name: FailpointName;
  readonly #waiting = new Set<Wait>();
  #hits = 0;
  #isOver = false;

  constructor(name: FailpointName) {
    this.#name = name;
  }

  /** @throws Error when the time is over, or the point's end comes first */
  until(hits: number, timeoutMs: number): Promise<void> {
    if (this.#hits >= hits) return Promise.resolve();
    if (this.#isOver) return Promise.reject(this.#missed(hits, "before it was ended"));
    return new Promise((resolve, reject) => {
      const late = (): void => wait.settle(this.#missed(hits, `within ${timeoutMs} ms`));
      const cancel = later(timeoutMs, late);
      const wait: Wait = {
        hits,
        settle: (error) => {
          cancel();
          this.#waiting.delete(wait);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#waiting.add(wait);
    });
  }

  hit(hits: number): void {
    this.#hits = hits;
    for (const wait of this.#waiting) if (wait.hits <= hits) wait.settle();
  }

  end(): void {
    this.#isOver = true;
    for (const wait of this.#waiting) wait.settle(this.#missed(wait.hits, "before it was ended"));
  }

  #missed(hits: number, when: string): Error {
    const counted = hits === 1 ? "" : ` ${hits} times, but ${this.#hits}`;
    return new Error(`failpoint ${this.#name} was not reached${counted} ${when}`);
  }
}
