import type { Timer } from "@podlink/types";
import type { ServiceContext } from "./service-context.ts";

/** The first pause before a held request is tried again; doubled for each one after it, up to the second figure. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 250;

/**
 * One request whose pod can't take it now, and which nobody has executed: it waits for the next try instead of being
 * answered with 503, for at most `holdMs` from its beginning. Pauses are jittered, so that the users of a pod that is gone
 * don't come back all at once.
 */
export class Hold {
  readonly #context: ServiceContext;
  readonly #endsAtMs: number;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: Timer | undefined;
  #isHeld = false;

  private constructor(context: ServiceContext) {
    this.#context = context;
    this.#endsAtMs = context.clock.nowMs() + context.options.holdMs;
  }

  /** For a request that begins now. Undefined: with holdMs 0, none may wait. */
  static of(context: ServiceContext): Hold | undefined {
    return context.options.holdMs === 0 ? undefined : new Hold(context);
  }

  /** Calls `again` after a pause. False: it may not wait any longer, or too many do already; then `again` is never called. */
  wait(again: () => void): boolean {
    const { options, counters, clock } = this.#context;
    const leftMs = this.#endsAtMs - clock.nowMs();
    if (leftMs <= 0 || (!this.#isHeld && counters.holding >= options.maxHeld)) return false;
    if (!this.#isHeld) {
      this.#isHeld = true;
      counters.holding += 1;
      counters.held += 1;
    }
    const pauseMs = this.#pauseMs * (0.5 + Math.random() / 2);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    // The last try comes at the very end: what changed in the last pause is still seen.
    this.#timer = clock.setTimer(Math.min(pauseMs, leftMs), () => {
      counters.heldTries += 1;
      again();
    });
    return true;
  }

  /** The request is answered, or its caller is gone. Idempotent. */
  end(): void {
    this.#timer?.cancel();
    if (this.#isHeld) this.#context.counters.holding -= 1;
    this.#isHeld = false;
  }
}
