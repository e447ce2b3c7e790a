import type { Clock, Timer } from "@podlink/types";
import type { Connection } from "../connection/ports.ts";
import type { PendingOp } from "./pending-op.ts";
import { waitedTooLong } from "./repeats.ts";

export interface TurnWaitOptions {
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  /** Knows why nobody answered. */
  readonly connection: Pick<Connection, "health">;
  readonly timeoutMs: number;
}

/**
 * The wait of all operations that were asked for in one turn of the event loop with the same timeout: one timer for all of
 * them, set by the first, gone with the last. At its end those that are not settled are; what is on the wire goes on.
 */
export class TurnWait {
  readonly timeoutMs: number;
  /** By the monotonic clock. */
  readonly endsAtMs: number;
  readonly #connection: Pick<Connection, "health">;
  readonly #timer: Timer;
  readonly #ops: PendingOp[] = [];
  #open = 0;
  /** Nobody can join any more: its timer is gone. */
  isOver = false;

  constructor({ clock, connection, timeoutMs }: TurnWaitOptions) {
    this.#connection = connection;
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
    const health = this.#connection.health();
    for (const pending of this.#ops) {
      if (!pending.isSettled) pending.settle({ error: waitedTooLong(pending, health) });
    }
  }
}
