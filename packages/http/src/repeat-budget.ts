import type { Clock } from "@podlink/types";
import { compareTokens } from "@podlink/types";
import type { ResolvedProxyLimits } from "./options.ts";
import type { PodTarget } from "./ports.ts";

/** What of a proxy's counters is about repeats. */
interface RepeatCounters {
  repeats: number;
  repeatsRefused: number;
}

/** What isn't used is saved up for later: at most that of so many seconds, and of so many requests. */
const SAVED_SECONDS = 10;
const SAVED_REQUESTS = 1000;

/**
 * How many requests are sent once more although the refusal taught nothing. A pod that lost a user, or a link that moved,
 * is told once and remembered: such repeats come once a move, however many users move at once, and cost nothing here. A pod
 * that refuses what by all that is known it has would double its own traffic: those are a share of the requests.
 */
export class RepeatBudget {
  readonly #options: Pick<ResolvedProxyLimits, "repeatShare" | "repeatsPerSecond">;
  readonly #clock: Clock;
  readonly #most: number;
  #left: number;
  #filledAtMs: number;

  constructor(options: Pick<ResolvedProxyLimits, "repeatShare" | "repeatsPerSecond">, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#left = SAVED_SECONDS * options.repeatsPerSecond;
    this.#most = this.#left + SAVED_REQUESTS * options.repeatShare;
    this.#filledAtMs = clock.nowMs();
  }

  /** A request has come. */
  earn(): void {
    this.#left = Math.min(this.#most, this.#left + this.#options.repeatShare);
  }

  /** Whether what one target refused may be sent to the next; takes it from the budget when it teaches nothing. */
  allows(refused: PodTarget, next: PodTarget): boolean {
    if (isNews(refused, next)) return true;
    const nowMs = this.#clock.nowMs();
    const earned = ((nowMs - this.#filledAtMs) / 1000) * this.#options.repeatsPerSecond;
    this.#filledAtMs = nowMs;
    this.#left = Math.min(this.#most, this.#left + earned);
    // A share of whole requests adds up to one only nearly: 10 x 0.1 is a little less.
    if (this.#left < 1 - 1e-9) return false;
    this.#left -= 1;
    return true;
  }
}

/** So many pods beyond the first are asked for one request, each named by the one before. */
const MOST_REPEATS = 3;

/**
 * Whether a request that one target refused may go to the next at all. Once it may, wherever that is; again only where each refusal led to a
 * later link: then the user was moved on meanwhile, as by pods that drain one after the other. So no two pods play ball.
 * @param repeats how often it was sent once more already
 */
function mayFollow(refused: PodTarget, next: PodTarget, repeats: number): boolean {
  if (repeats === 0) return true;
  return repeats < MOST_REPEATS && compareTokens(next.link.token, refused.link.token) > 0;
}

/** Whether a refused request is sent on to the target that was found: it may be, and the budget has it. Counts either. */
export function isSentOn(
  { budget, counters }: { readonly budget: RepeatBudget; readonly counters: RepeatCounters },
  { refusedBy, found, repeats }: { readonly refusedBy: PodTarget; readonly found: PodTarget; readonly repeats: number },
): boolean {
  if (!mayFollow(refusedBy, found, repeats)) return false;
  const isAllowed = budget.allows(refusedBy, found);
  counters[isAllowed ? "repeats" : "repeatsRefused"] += 1;
  return isAllowed;
}

/** A later link, or the same one whose pod is now another life or elsewhere. */
function isNews(refused: PodTarget, next: PodTarget): boolean {
  const order = compareTokens(next.link.token, refused.link.token);
  if (order !== 0) return order > 0;
  if (next.incarnation !== refused.incarnation) return next.incarnation > refused.incarnation;
  return next.address.host !== refused.address.host || next.address.httpPort !== refused.address.httpPort;
}
