import type { Clock, Link, Listeners } from "@podlink/types";
import { compareTokens } from "@podlink/types";
import type { EndReason, PeriodEvent } from "./events.ts";
import { Period } from "./period.ts";

/** A mutation was sent for the link with this token, and its outcome is not known. */
export interface Doubt {
  readonly uid: string;
  readonly token: string;
}

/**
 * What this pod knows of its links. A uid is in at most one of three places:
 * - held: claimed under the present registration, its period is on;
 * - unverified: held under an earlier registration; a claim decides;
 * - doubtful: a mutation of it ended with an unknown outcome; not held, and only taken back under a new token.
 */
export class OwnershipTable {
  readonly #clock: Clock;
  readonly #listeners: Listeners<PeriodEvent>;
  readonly #held = new Map<string, Period>();
  /** The token that was held last. */
  readonly #unverified = new Map<string, string>();
  readonly #doubtful = new Map<string, string>();

  constructor(clock: Clock, listeners: Listeners<PeriodEvent>) {
    this.#clock = clock;
    this.#listeners = listeners;
  }

  get size(): number {
    return this.#held.size;
  }

  get unverifiedCount(): number {
    return this.#unverified.size;
  }

  get doubtfulCount(): number {
    return this.#doubtful.size;
  }

  held(uid: string): Period | undefined {
    return this.#held.get(uid);
  }

  /** All held uids, as of now. */
  periods(): Period[] {
    return Array.from(this.#held.values());
  }

  /** The token under which an unverified uid was held. */
  unverifiedToken(uid: string): string | undefined {
    return this.#unverified.get(uid);
  }

  unverifiedUids(): string[] {
    return Array.from(this.#unverified.keys());
  }

  /** All doubtful uids, as of now. */
  doubts(): Doubt[] {
    return Array.from(this.#doubtful, ([uid, token]) => ({ uid, token }));
  }

  /** The token that a mutation of unknown outcome was sent for. */
  doubtfulToken(uid: string): string | undefined {
    return this.#doubtful.get(uid);
  }

  /** The store says that the link is ours. The same token as before: the same period goes on. */
  take(link: Link): Period {
    const { uid } = link;
    const again = this.#unverified.delete(uid);
    this.#doubtful.delete(uid);
    const before = this.#held.get(uid);
    if (before !== undefined && compareTokens(before.link.token, link.token) === 0) return before;
    if (before !== undefined) this.end(uid, "lost", link);
    const period = new Period(link, this.#clock.nowMs());
    this.#held.set(uid, period);
    this.#listeners.emit({ kind: "taken", uid, link, ...(again ? { again } : undefined) });
    return period;
  }

  /** Ends the period of a uid and forgets the uid. @param link the link that holds now, where it is known. */
  end(uid: string, reason: EndReason, link?: Link): void {
    this.#unverified.delete(uid);
    this.#doubtful.delete(uid);
    const period = this.#held.get(uid);
    if (period === undefined) return;
    this.#held.delete(uid);
    period.end();
    this.#listeners.emit({ kind: "ended", uid, reason, ...(link === undefined ? undefined : { link }) });
  }

  /** A mutation sent for this token may have happened or may still happen. Its period has ended before. */
  doubt(uid: string, token: string): void {
    this.#unverified.delete(uid);
    this.#doubtful.set(uid, token);
  }

  /** The outcome of that mutation is known. @param before the token that was doubtful before it, and is again. */
  settle(uid: string, token: string, before?: string): void {
    if (this.#doubtful.get(uid) !== token) return;
    if (before === undefined) this.#doubtful.delete(uid);
    else this.#doubtful.set(uid, before);
  }

  /** The registration is gone: every period ends, every held uid is to be claimed again. */
  unverifyAll(): void {
    // A claim under the next incarnation always yields a new token, which no mutation of this one matches.
    this.#doubtful.clear();
    for (const { uid, link } of this.periods()) {
      this.end(uid, "fenced");
      this.#unverified.set(uid, link.token);
    }
  }

  /** Every period ends and nothing is known any more. */
  endAll(reason: EndReason): void {
    this.#unverified.clear();
    for (const { uid } of this.periods()) this.end(uid, reason);
  }
}
