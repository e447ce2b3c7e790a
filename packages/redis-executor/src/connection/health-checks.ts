import type { Clock, Timer } from "@podlink/types";

/** Between two looks while the store is not healthy: it returns by itself, without any caller. */
const UNHEALTHY_INTERVAL_MS = 1000;

export interface HealthChecksParts {
  readonly clock: Pick<Clock, "setTimer">;
  readonly intervalMs: number;
  readonly isHealthy: () => boolean;
  readonly check: () => Promise<void>;
}

/** Looks at the store again and again, with jitter; one look at a time. */
export class HealthChecks {
  readonly #parts: HealthChecksParts;
  #next: Timer | undefined;
  #isClosed = false;

  constructor(parts: HealthChecksParts) {
    this.#parts = parts;
    this.#later();
  }

  close(): void {
    this.#isClosed = true;
    this.#next?.cancel();
  }

  #later(): void {
    if (this.#isClosed) return;
    const { clock, intervalMs, isHealthy } = this.#parts;
    // Looked at often enough to see that it became unhealthy meanwhile.
    const longest = isHealthy() ? intervalMs : Math.min(intervalMs, UNHEALTHY_INTERVAL_MS);
    this.#next = clock.setTimer(longest * (0.9 + 0.1 * Math.random()), () => {
      void this.#parts.check().then(
        () => this.#later(),
        () => this.#later(),
      );
    });
  }
}
