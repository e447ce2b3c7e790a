import type { Clock, LinkKey, Subscription } from "@podlink/types";
import { systemClock } from "@podlink/types";
import type { HeldSighting, HeldSpan } from "./held-spans.ts";
import { HeldSpans } from "./held-spans.ts";
import { nameOf, podText, shown } from "./link-name.ts";
import { RecentMap } from "./recent-map.ts";
import type { Watcher, WatcherOptions } from "./violation.ts";
import { ms } from "./violation.ts";
import type { GuardingPod, WatchedPod } from "./watched-pod.ts";
import { hearGrants } from "./watched-pod.ts";

/** A pod answered for a uid: as its caller saw it, or (both times the guard's own) as its log has it. */
export interface ServedObservation extends LinkKey, HeldSighting {}

/** A pod's guard said "mine" all the time from one moment to another. */
export interface HeldObservation extends LinkKey, Pick<HeldSighting, "podIndex" | "incarnation" | "token"> {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface HolderWatcherOptions extends WatcherOptions {
  /** So many uids are remembered. Default 100,000. */
  readonly maxUids?: number;
  /**
   * Whether the assumptions don't hold for a uid now: after a forced move, a take-over "now", loss of data. What would be
   * a violation is counted as `excused` instead. Default: they always hold.
   */
  readonly excused?: (link: LinkKey, atMs: number) => boolean;
}

/** A uid that some pod has taken, and whether two were found to hold it. */
interface AskedUid {
  readonly link: LinkKey;
  /** The pods that were accused last: the same two are accused once. */
  accused?: string;
}

interface AttachedPod {
  readonly pod: WatchedPod;
  readonly runs: () => boolean;
}

/** `sample` asks for so many uids at a time: it must not hold the event loop up. */
const ASKED_AT_ONCE = 1000;

/**
 * Holds that at one instant at most one pod's guard says "mine" for a uid. Pods of this process are asked all at the same
 * instant; those of other processes are judged by what they answered, all times on one clock.
 */
export class HolderWatcher implements Watcher {
  readonly invariant = "holders";
  readonly #onViolation: WatcherOptions["onViolation"];
  readonly #clock: Clock;
  readonly #excusedNow: NonNullable<HolderWatcherOptions["excused"]>;
  readonly #spans: RecentMap<string, HeldSpans>;
  readonly #asked: RecentMap<string, AskedUid>;
  readonly #pods = new Set<AttachedPod>();
  #observed = 0;
  #excused = 0;

  constructor({ onViolation, clock = systemClock, maxUids = 100_000, excused = () => false }: HolderWatcherOptions) {
    this.#onViolation = onViolation;
    this.#clock = clock;
    this.#excusedNow = excused;
    this.#spans = new RecentMap(maxUids);
    this.#asked = new RecentMap(maxUids);
  }

  get observed(): number {
    return this.#observed;
  }

  /** How many violations were excused. */
  get excused(): number {
    return this.#excused;
  }

  /** How many uids' histories were dropped for the bound. */
  get forgotten(): number {
    return this.#spans.forgotten + this.#asked.forgotten;
  }

  /**
   * Asks the pod from now on, together with the others of its service, whenever one of them takes a uid.
   * @param options.runs Whether the pod runs now; one that stands still says nothing and is not asked. Default: always.
   */
  attach(pod: WatchedPod, options: { readonly runs?: () => boolean } = {}): Subscription {
    const attached = { pod, runs: options.runs ?? (() => true) };
    this.#pods.add(attached);
    const periods = pod.onPeriod((event) => {
      if (event.kind === "taken") this.ask(event.link);
    });
    return {
      close: () => {
        periods.close();
        this.#pods.delete(attached);
      },
    };
  }

  /** Attaches the pod; the one that is returned has all of its service asked at each yes of its guard, too. */
  through<T extends GuardingPod>(
    pod: T,
    options: { readonly runs?: () => boolean } = {},
  ): { readonly pod: T } & Subscription {
    const attached = this.attach(pod, options);
    const watched = hearGrants(
      pod,
      () => this.#clock.nowMs(),
      ({ link }) => this.ask(link),
    );
    return { pod: watched, close: () => attached.close() };
  }

  /** Asks all attached pods of the link's service whether the uid is theirs, at this instant. */
  ask({ namespace, service, uid }: LinkKey): void {
    const link = { namespace, service, uid };
    const name = nameOf(link);
    let asked = this.#asked.get(name);
    if (asked === undefined) this.#asked.set(name, (asked = { link }));
    this.#judge(asked);
  }

  /** Asks for the uids that were taken, up to 1,000 at a time, those that were not asked about for longest first. */
  sample(): void {
    for (const name of Array.from(firstOf(this.#asked.keys(), ASKED_AT_ONCE))) {
      const asked = this.#asked.get(name);
      if (asked !== undefined) this.#judge(asked);
    }
  }

  /** An answer of a pod, in any order of arrival. Leave out what was served as `fenced`. */
  served({ namespace, service, uid, ...sighting }: ServedObservation): void {
    this.#observed += 1;
    this.#see({ namespace, service, uid }, sighting);
  }

  /** A time in which a pod held a uid by its own account, in any order of arrival. */
  held({ namespace, service, uid, fromMs, toMs, ...holder }: HeldObservation): void {
    this.#observed += 1;
    const link = { namespace, service, uid };
    // It held by the first moment, and still at the second.
    this.#see(link, { ...holder, startedMs: toMs, endedMs: fromMs });
  }

  /** What was seen of the link (absent: of all) binds nobody any more. */
  forget(key?: LinkKey): void {
    if (key === undefined) this.#spans.clear();
    else this.#spans.delete(nameOf(key));
  }

  #judge(asked: AskedUid): void {
    const { link } = asked;
    this.#observed += 1;
    const holding: WatchedPod[] = [];
    for (const { pod, runs } of this.#pods) {
      const { identity } = pod;
      const isOfService = identity?.namespace === link.namespace && identity.service === link.service;
      if (isOfService && runs() && pod.isHeld(link.uid)) holding.push(pod);
    }
    if (holding.length < 2) {
      delete asked.accused;
      return;
    }
    const holders = holding.map(({ identity }) => podText(identity?.podIndex as number, identity?.incarnation));
    const accused = holders.join(", ");
    if (asked.accused === accused) return;
    asked.accused = accused;
    const atMs = this.#clock.nowMs();
    const message = `${shown(link)}: asked at the same instant, ${ms(atMs)}, each says "mine": ${holders.join(" and ")}`;
    this.#accuse(link, message, { kind: "both-say-mine", holders: holding.map(({ identity }) => ({ ...identity })) });
  }

  #see(link: LinkKey, sighting: HeldSighting): void {
    const name = nameOf(link);
    let spans = this.#spans.get(name);
    if (spans === undefined) this.#spans.set(name, (spans = new HeldSpans()));
    const overlap = spans.see(sighting);
    if (overlap === undefined) return;
    const { span, other } = overlap;
    const message = `${shown(link)} was held by two at the same time: ${spanText(other)}; ${spanText(span)}`;
    this.#accuse(link, message, { kind: "overlap", spans: [{ ...other }, { ...span }] });
  }

  #accuse(link: LinkKey, message: string, evidence: Readonly<Record<string, unknown>>): void {
    const atMs = this.#clock.nowMs();
    if (this.#excusedNow(link, atMs)) this.#excused += 1;
    else this.#onViolation({ invariant: "holders", atMs, message, evidence: { ...evidence, link } });
  }
}

function spanText({ podIndex, incarnation, token, heldByMs, heldAtMs }: HeldSpan): string {
  const [fromMs, toMs] = [Math.min(heldByMs, heldAtMs), Math.max(heldByMs, heldAtMs)];
  const how = heldByMs <= heldAtMs ? `from ${ms(fromMs)} to ${ms(toMs)}` : `within ${ms(fromMs)} and ${ms(toMs)}`;
  return `${podText(podIndex, incarnation)} with token ${token} ${how}`;
}

function* firstOf<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left === 0) return;
    left -= 1;
    yield item;
  }
}
