import type { Clock, Logger } from "@podlink/types";

const QUIET_MS = 60_000;

/** Counts the records that nobody may touch, and says so in the log at most once a minute. Without a uid. */
export class CorruptNotice {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #logger: Logger;
  #saidAtMs = -Infinity;
  count = 0;

  constructor(clock: Pick<Clock, "nowMs">, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  tell(): void {
    this.count += 1;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#saidAtMs < QUIET_MS) return;
    this.#saidAtMs = nowMs;
    this.#logger.warn(
      { code: "CORRUPT", count: this.count },
      "stored links of a newer format or another type: untouched",
    );
  }
}
