import type { Clock } from "@podlink/types";

const QUIET_MS = 60_000;

/** Counts what should not happen, and has it said at most once a minute: the first time at once. */
export class Notice {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #say: (count: number) => void;
  #saidAtMs = -Infinity;
  count = 0;

  /** @param say writes to the log how often it has happened; never with a uid. */
  constructor(clock: Pick<Clock, "nowMs">, say: (count: number) => void) {
    this.#clock = clock;
    this.#say = say;
  }

  tell(): void {
    this.count += 1;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#saidAtMs < QUIET_MS) return;
    this.#saidAtMs = nowMs;
    this.#say(this.count);
  }
}
