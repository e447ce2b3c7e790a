import type { Answer, Clock, Link, LinkKey, LinkOp, LostLink, ResultOf } from "@podlink/types";
import { holderText, systemClock } from "@podlink/types";
import { intercept, isPromise } from "./intercept.ts";
import { linkOf } from "./link-answers.ts";
import { nameOf, shown } from "./link-name.ts";
import { RecentMap } from "./recent-map.ts";
import type { Sighting, TokenContradiction, TokenSighting } from "./token-order.ts";
import { TokenOrder } from "./token-order.ts";
import type { Watcher, WatcherOptions } from "./violation.ts";
import { ms } from "./violation.ts";

export interface TokenObservation extends Sighting {
  /** The link that an answer or a push named. */
  readonly link: Link;
  /**
   * Who may be behind: a cache. Its sightings are ordered among themselves, and nobody may be told of less after it.
   * Absent: the store itself answered, all such sightings are in one order.
   */
  readonly observer?: string;
  /** The operation that was answered gave the link this token. Default: false, it may have been there. */
  readonly made?: boolean;
}

export interface TokenWatcherOptions extends WatcherOptions {
  /** So many links are remembered, and each observer's view of one counts as one. Default 100,000. */
  readonly maxLinks?: number;
}

/** What is remembered of one link as the store has it. */
interface LinkHistory {
  readonly order: TokenOrder;
  /** Tokens that an operation said to have made; at most as many as the order remembers. */
  readonly made: Map<string, Sighting>;
  /** The goodbye of the highest token that was seen as one. */
  goodbye?: { readonly token: string; readonly seen: Sighting };
}

/**
 * Holds that a link's tokens never go back in an order that is known, that a token of a link names one holder, that no
 * two operations made the same one, and that a goodbye is not owned again under its token.
 *
 * Data that is lost ends the order: say so with `forget`.
 */
export class TokenWatcher implements Watcher {
  readonly invariant = "tokens";
  readonly #onViolation: WatcherOptions["onViolation"];
  readonly #clock: Clock;
  readonly #links: RecentMap<string, LinkHistory>;
  readonly #views: RecentMap<string, TokenOrder>;
  #observed = 0;

  constructor({ onViolation, clock = systemClock, maxLinks = 100_000 }: TokenWatcherOptions) {
    this.#onViolation = onViolation;
    this.#clock = clock;
    this.#links = new RecentMap(maxLinks);
    this.#views = new RecentMap(maxLinks);
  }

  get observed(): number {
    return this.#observed;
  }

  /** How many links' histories were dropped for the bound. */
  get forgotten(): number {
    return this.#links.forgotten + this.#views.forgotten;
  }

  /** One link in one answer or push, in any order of arrival. */
  observe(observation: TokenObservation): void {
    const { link, startedMs, endedMs, observer, made = false } = observation;
    this.#observed += 1;
    const name = nameOf(link);
    const history = this.#historyOf(name);
    const sighting = { token: link.token, holder: holderText(link.podIndex, link.incarnation), startedMs, endedMs };
    if (observer === undefined) this.#judge(link, history.order.see(sighting));
    else {
      // A cache may be behind the store. But what it says was in the store before.
      this.#judge(link, history.order.see({ ...sighting, startedMs: undefined }));
      this.#judge(link, this.#viewOf(`${name} ${observer}`).see(sighting), observer);
    }
    this.#judgeGoodbye(link, history, sighting);
    if (made) this.#judgeMade(link, history, sighting);
  }

  /** The store with every link that it answers with or pushes observed. @param observer as in {@link TokenObservation}. */
  through<T extends object>(store: T, observer?: string): T {
    const by = observer === undefined ? undefined : { observer };
    const seen = (link: Link, startedMs: number, made = false): void =>
      this.observe({ link, startedMs, endedMs: this.#clock.nowMs(), made, ...by });
    const answered = (op: LinkOp, result: ResultOf<LinkOp>, startedMs: number): void => {
      const answer = linkOf(op, result);
      if (answer !== undefined) seen(answer.link, startedMs, answer.made);
    };
    return intercept(
      store,
      ({ method, args, run }) => {
        if (method === "watchLostLinks") return run([...args.slice(0, -1), this.#hearing(args.at(-1), by)]);
        const startedMs = this.#clock.nowMs();
        const work = run();
        if (!isPromise(work)) return work;
        return work.then((value) => {
          if (method === "execute") answered(args[0] as LinkOp, value as ResultOf<LinkOp>, startedMs);
          else if (method === "servicesOf")
            for (const link of (value as Map<string, Link>).values()) seen(link, startedMs);
          else {
            for (const [index, answer] of (value as Answer[]).entries()) {
              if ("value" in answer) answered((args[0] as readonly LinkOp[])[index] as LinkOp, answer.value, startedMs);
            }
          }
          return value;
        });
      },
      ["execute", "executeAll", "servicesOf", "watchLostLinks"],
    );
  }

  /** Data was lost, or the store's clock set back: what was seen of the link (absent: of all) binds nobody any more. */
  forget(key?: LinkKey): void {
    if (key === undefined) {
      this.#links.clear();
      this.#views.clear();
      return;
    }
    const name = nameOf(key);
    this.#links.delete(name);
    for (const view of Array.from(this.#views.keys())) if (view.startsWith(`${name} `)) this.#views.delete(view);
  }

  /** A push says nothing of when the link was so. */
  #hearing(listener: unknown, by: { readonly observer: string } | undefined): (lost: LostLink) => void {
    return (lost) => {
      this.observe({ link: lost.link, endedMs: this.#clock.nowMs(), ...by });
      (listener as (lost: LostLink) => void)(lost);
    };
  }

  #historyOf(name: string): LinkHistory {
    let history = this.#links.get(name);
    if (history === undefined) this.#links.set(name, (history = { order: new TokenOrder(), made: new Map() }));
    return history;
  }

  #viewOf(name: string): TokenOrder {
    let view = this.#views.get(name);
    if (view === undefined) this.#views.set(name, (view = new TokenOrder()));
    return view;
  }

  #judge(link: LinkKey, contradiction: TokenContradiction | undefined, observer?: string): void {
    if (contradiction === undefined) return;
    const { kind, before, after } = contradiction;
    const whose = observer === undefined ? "" : `, both seen by ${observer}`;
    const message =
      kind === "two-holders"
        ? `${shown(link)}: token ${before.token} names ${before.holder} (${timesOf(before)}) and ${after.holder} (${timesOf(after)})`
        : `${shown(link)} went back: ${tokenText(before)}, and after that ${tokenText(after)}${whose}`;
    this.#accuse(link, message, { kind, before, after, ...(observer === undefined ? undefined : { observer }) });
  }

  #judgeMade(link: LinkKey, { made, order }: LinkHistory, after: TokenSighting): void {
    const before = made.get(after.token);
    if (before !== undefined) {
      const message = `${shown(link)}: token ${after.token} was made twice: by an operation ${timesOf(before)}, and by one ${timesOf(after)}`;
      this.#accuse(link, message, { kind: "made-twice", before: { ...after, ...before }, after });
      return;
    }
    made.set(after.token, { startedMs: after.startedMs, endedMs: after.endedMs });
    for (const token of made.keys()) if (!order.remembers(token)) made.delete(token);
  }

  #judgeGoodbye(link: Link, history: LinkHistory, after: TokenSighting): void {
    const { goodbye } = history;
    const { startedMs, endedMs, token } = after;
    if (link.kind === "goodbye") {
      const isNews = goodbye === undefined || Number(token) > Number(goodbye.token);
      if (isNews || (token === goodbye.token && endedMs < goodbye.seen.endedMs)) {
        history.goodbye = { token, seen: { startedMs, endedMs } };
      }
    } else if (goodbye?.token === token && startedMs !== undefined && goodbye.seen.endedMs < startedMs) {
      const message = `${shown(link)}: token ${token} was a goodbye (${timesOf(goodbye.seen)}) and after that ${link.kind} (${timesOf(after)})`;
      this.#accuse(link, message, { kind: "revived", before: { ...after, ...goodbye.seen }, after });
    }
  }

  #accuse({ namespace, service, uid }: LinkKey, message: string, evidence: Readonly<Record<string, unknown>>): void {
    const link = { namespace, service, uid };
    this.#onViolation({ invariant: "tokens", atMs: this.#clock.nowMs(), message, evidence: { ...evidence, link } });
  }
}

function tokenText(sighting: TokenSighting): string {
  return `token ${sighting.token} of pod ${sighting.holder} (${timesOf(sighting)})`;
}

function timesOf({ startedMs, endedMs }: Sighting): string {
  return startedMs === undefined ? `heard at ${ms(endedMs)}` : `asked at ${ms(startedMs)}, answered at ${ms(endedMs)}`;
}
