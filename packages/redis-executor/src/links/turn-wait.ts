import type { Clock, Timer } from "@podlink/types";
import type { PendingOp } from "./pending-op.ts";
import { waitEnded } from "./repeats.ts";

/**
 * The wait of all operations that were asked for in one turn of the event loop with the same timeout: one timer for all of
 * them, set by the first, gone with the last. At its end those that are not settled are; what is on the wire goes on.
 */
export class TurnWait {
  readonly timeoutMs: number;
  /** By the monotonic clock. */
  readonly endsAtMs: number;
  readonly #timer: Timer;
  readonly #ops: PendingOp[] = [];
  #open = 0;
  /** Nobody can join any more: its timer is gone. */
  isOver = false;

  constructor(clock: Pick<Clock, "nowMs" | "setTimer">, timeoutMs: number) {
    this.timeoutMs = timeoutMs;
    this.endsAtMs = clock.nowMs() + timeoutMs;
    this.#timer = clock.setTimer(timeoutMs, () => this.#end());
  }

  join(pending: PendingOp): void {
    this.#ops.push(pending);
    this.#open += 1;
  }

  /** One of them is settled. */
  leave(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.isOver = true;
    this.#timer.cancel();
  }

  #end(): void {
    this.isOver = true;
    const what = `was not answered within ${this.timeoutMs} ms`;
    for (const pending of this.#ops) {
      if (!pending.isSettled) pending.settle({ error: waitEnded(pending, "TIMEOUT", what) });
    }
  }
}
