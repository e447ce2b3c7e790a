import type { Clock, LinkKey, Subscription } from "@podlink/types";
import { systemClock } from "@podlink/types";
import { nameOf, podText, shown } from "./link-name.ts";
import type { PeriodRecord } from "./period-book.ts";
import { PeriodBook } from "./period-book.ts";
import { RecentMap } from "./recent-map.ts";
import type { Watcher, WatcherOptions } from "./violation.ts";
import { ms } from "./violation.ts";
import type { GuardingPod, WatchedGrant } from "./watched-pod.ts";
import { hearGrants } from "./watched-pod.ts";

/** A uid of one life of a pod. */
export interface PodUid extends LinkKey {
  readonly podIndex: number;
  /** Absent: the feeder doesn't know it; then it has to be absent everywhere. */
  readonly incarnation?: number;
}

export interface PeriodObservation extends PodUid {
  readonly token: string;
  readonly atMs: number;
}

/** A request that a pod served, at some moment within these two. */
export interface GuardedObservation extends PodUid {
  readonly token: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface GuardWatcherOptions extends WatcherOptions {
  /** So many uids of pods are remembered, each with its last four periods. Default 100,000. */
  readonly maxUids?: number;
}

/** So many served requests wait for news of their period; beyond, the oldest is judged. */
const MAX_WAITING = 10_000;

/** Holds that no request is served outside a period of its pod, and each under the token of that period. */
export class GuardWatcher implements Watcher {
  readonly invariant = "guards";
  readonly #onViolation: WatcherOptions["onViolation"];
  readonly #clock: Clock;
  readonly #books: RecentMap<string, PeriodBook>;
  #waiting: GuardedObservation[] = [];
  #observed = 0;
  #unjudged = 0;

  constructor({ onViolation, clock = systemClock, maxUids = 100_000 }: GuardWatcherOptions) {
    this.#onViolation = onViolation;
    this.#clock = clock;
    this.#books = new RecentMap(maxUids);
  }

  get observed(): number {
    return this.#observed;
  }

  /** How many uids' periods were dropped for the bound. */
  get forgotten(): number {
    return this.#books.forgotten;
  }

  /** How many served requests could not be judged, since their uid's periods were forgotten. */
  get unjudged(): number {
    return this.#unjudged;
  }

  /**
   * The pod with its guard's answers observed: give this one to what asks it, and make it before the pod starts, or its
   * first periods are not known. Periods are heard until `close`.
   */
  through<T extends GuardingPod>(pod: T): { readonly pod: T } & Subscription {
    // What is on is kept whatever the bound: as much as the pod itself keeps.
    const on = new Map<string, PeriodBook>();
    const nowMs = (): number => this.#clock.nowMs();
    const periods = pod.onPeriod((event) => {
      if (event.kind === "taken") {
        const { podIndex, incarnation, token } = event.link;
        const book = this.#bookOf(event.link, podIndex);
        on.set(event.uid, book);
        book.taken(incarnation, token, nowMs());
      } else {
        on.get(event.uid)?.ended(nowMs());
        on.delete(event.uid);
      }
    });
    const watched = hearGrants(pod, nowMs, (grant, askedMs) => this.#granted(grant, on.get(grant.link.uid), askedMs));
    return { pod: watched, close: () => periods.close() };
  }

  /** A period began, by the pod's own account. Those of one uid of a pod in order. */
  taken(period: PeriodObservation): void {
    this.#bookOf(period, period.podIndex).taken(period.incarnation, period.token, period.atMs);
  }

  /** It ended. */
  ended(period: Omit<PeriodObservation, "token">): void {
    this.#bookOf(period, period.podIndex).ended(period.atMs);
  }

  /** A request was served. What comes before news of its period is judged by `finish`. */
  served(observation: GuardedObservation): void {
    if (this.#isCovered(observation)) {
      this.#observed += 1;
      return;
    }
    this.#waiting.push(observation);
    if (this.#waiting.length > MAX_WAITING) this.#judge(this.#waiting.shift() as GuardedObservation);
  }

  /** Everything was fed: what waits for news of its period is judged. */
  finish(): void {
    for (const observation of this.#waiting.splice(0)) this.#judge(observation);
  }

  /** Answered at once: the period is on at this very moment. Later: it may have ended while the answer was on its way. */
  #granted({ link }: WatchedGrant, on: PeriodBook | undefined, askedMs: number | undefined): void {
    this.#observed += 1;
    const endedMs = this.#clock.nowMs();
    const { incarnation, token } = link;
    const open = on?.open;
    if (open?.token === token && open.incarnation === incarnation) return;
    const observation = { ...link, startedMs: askedMs ?? endedMs, endedMs };
    if (askedMs !== undefined && this.#isCovered(observation)) return;
    this.#accuse(observation, on ?? this.#books.get(keyOf(link, link.podIndex)));
  }

  #isCovered({ incarnation, token, startedMs, endedMs, ...uid }: GuardedObservation): boolean {
    const book = this.#books.get(keyOf(uid, uid.podIndex));
    return book?.covers(incarnation, token, startedMs, endedMs) === true;
  }

  #judge(observation: GuardedObservation): void {
    this.#observed += 1;
    if (!this.#isCovered(observation)) {
      this.#accuse(observation, this.#books.get(keyOf(observation, observation.podIndex)));
    }
  }

  #accuse(observation: GuardedObservation, book: PeriodBook | undefined): void {
    // Nothing is known of it, and something was forgotten: it may have been this.
    if (book === undefined && this.#books.forgotten > 0) {
      this.#unjudged += 1;
      return;
    }
    const { namespace, service, uid, podIndex, incarnation, token, startedMs, endedMs } = observation;
    const when = startedMs === endedMs ? `at ${ms(startedMs)}` : `between ${ms(startedMs)} and ${ms(endedMs)}`;
    const period = book?.latest;
    const message = `${podText(podIndex, incarnation)} served ${shown(observation)} with token ${token} ${when}; ${periodText(period)}`;
    const served = { namespace, service, uid, podIndex, incarnation, token, startedMs, endedMs };
    this.#onViolation({
      invariant: "guards",
      atMs: this.#clock.nowMs(),
      message,
      evidence: { kind: "outside-period", served, ...(period === undefined ? undefined : { period: { ...period } }) },
    });
  }

  #bookOf(link: LinkKey, podIndex: number): PeriodBook {
    const key = keyOf(link, podIndex);
    let book = this.#books.get(key);
    if (book === undefined) this.#books.set(key, (book = new PeriodBook()));
    return book;
  }
}

function keyOf(link: LinkKey, podIndex: number): string {
  return `${podIndex}/${nameOf(link)}`;
}

function periodText(period: PeriodRecord | undefined): string {
  if (period === undefined) return "it never took it";
  const { token, incarnation, fromMs, toMs } = period;
  const end = toMs === undefined ? "and is on" : `and ended at ${ms(toMs)}`;
  return `its last period had token ${token} (incarnation ${incarnation ?? "unknown"}), began at ${ms(fromMs)} ${end}`;
}
