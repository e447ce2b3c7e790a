const STEP_US = 1_000_000;
const ONE_DAY_US = 86_400_000_000;

/** What this process has learnt of the store's time and tokens. */
export class StoreMoments {
  /** By group: in a Cluster each of its nodes has a clock. */
  readonly #lastUs = new Map<number, number>();
  #highestToken = 0;
  /** How often the time was found more than a second behind the last. */
  clockBack = 0;
  /** How many tokens were found more than a day ahead, and did not count as the highest. */
  tokensIgnored = 0;

  /** A new token is at least this. */
  get leastToken(): number {
    return this.#highestToken + 1;
  }

  sawMoment(group: number, nowUs: number): void {
    if (nowUs < (this.#lastUs.get(group) ?? 0) - STEP_US) this.clockBack += 1;
    this.#lastUs.set(group, nowUs);
  }

  sawToken(token: number, nowUs: number): void {
    if (token <= this.#highestToken) return;
    if (token > nowUs + ONE_DAY_US) this.tokensIgnored += 1;
    else this.#highestToken = token;
  }
}
