const STEP_US = 1_000_000;
const ONE_DAY_US = 86_400_000_000;
/** Two clocks that are both right part by so much of the time between two looks, at most: NTP slews by 500 ppm. */
const DRIFT = 0.001;

/** The store's time in a reply, and between which moments of this process' monotonic clock it was read there. */
export interface StoreMoment {
  readonly nowUs: number;
  readonly sentAtMs: number;
  readonly arrivedAtMs: number;
}

/** Hears of each step of a store's clock. */
export interface StoreMomentsEvents {
  readonly onClockBack?: () => void;
  readonly onClockAhead?: () => void;
}

/** What this process has learnt of the store's time and tokens. */
export class StoreMoments {
  readonly #events: StoreMomentsEvents;
  /** The last of each group: in a Cluster each of its nodes has a clock. */
  readonly #last = new Map<number, StoreMoment>();
  #highestToken = 0;
  /** How many tokens were found more than a day ahead, and did not count as the highest. */
  tokensIgnored = 0;

  constructor(events: StoreMomentsEvents = {}) {
    this.#events = events;
  }

  /** A new token is at least this. */
  get leastToken(): number {
    return this.#highestToken + 1;
  }

  /**
   * Back: more than a second behind the last. Ahead: more than a second further on than the time that passed here, however
   * late the replies were: neither a slow line nor a process that stood still looks like a leap.
   */
  sawMoment(group: number, moment: StoreMoment): void {
    const last = this.#last.get(group);
    this.#last.set(group, moment);
    if (last === undefined) return;
    if (moment.nowUs < last.nowUs - STEP_US) this.#events.onClockBack?.();
    const atMostUs = (moment.arrivedAtMs - last.sentAtMs) * (1 + DRIFT) * 1000;
    if (moment.nowUs > last.nowUs + atMostUs + STEP_US) this.#events.onClockAhead?.();
  }

  sawToken(token: number, nowUs: number): void {
    if (token <= this.#highestToken) return;
    if (token > nowUs + ONE_DAY_US) this.tokensIgnored += 1;
    else this.#highestToken = token;
  }
}
