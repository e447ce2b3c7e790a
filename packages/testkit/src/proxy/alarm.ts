import type { Clock } from "@podlink/types";
import { defer } from "@podlink/types";

/** A wait that can be cut short. One at a time. */
export class Alarm {
  readonly #clock: Clock;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param ms absent: until `ring` */
  wait(ms: number | undefined): Promise<void> {
    const { promise, resolve } = defer<void>();
    const timer = ms === undefined ? undefined : this.#clock.setTimer(ms, () => this.ring());
    this.#wake = () => {
      timer?.cancel();
      resolve();
    };
    return promise;
  }

  ring(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
