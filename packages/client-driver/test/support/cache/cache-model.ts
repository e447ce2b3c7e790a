import type { Link, LinkOp } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { COMMAND_TIMEOUT_MS } from "../world.ts";

/** The tests move time in steps of so much. */
export const STEP_MS = 10;
/** By so much the cache's own clock may lag. */
const COARSE_MS = 20;
const SHARE = 0.8;

interface Seen {
  readonly link: Link;
  readonly atMs: number;
}

interface Call {
  readonly what: string;
  readonly limitMs: number;
  readonly aborted: () => boolean;
  ageMs: number;
}

/** An operation of the caller that is on its way. */
export interface Flight {
  readonly uid: string;
  readonly sentAtMs: number;
}

/** What has to be true of a caller's cached links, whatever the store, the pods and other callers do. */
export class CacheModel {
  readonly violations: string[] = [];
  answers = 0;
  readonly #cacheMs: number;
  /** All links that the store ever answered with. */
  readonly #stored = new Set<string>();
  /** Links that the caller was given by others than the store. */
  readonly #given = new Set<string>();
  readonly #seen = new Map<string, Seen>();
  /** What may be lower than what was cached before it, because its own pod said so. */
  readonly #corrected = new Set<string>();
  readonly #forgotten = new Map<string, { readonly times: number; readonly token: number }>();
  readonly #touchedAtMs = new Map<string, number>();
  readonly #flights = new Set<Flight>();
  readonly #calls = new Set<Call>();

  /** @param cacheMs the longest that an entry may live, before the share is taken. */
  constructor(cacheMs: number) {
    this.#cacheMs = cacheMs;
  }

  get pending(): number {
    return this.#calls.size;
  }

  /** The store carried out an operation, whoever asked. @param unmoved whether that pod was available all the time. */
  executed(op: LinkOp, answer: unknown, unmoved: (podIndex: number) => boolean): void {
    const { link, previous, replaced } = (answer ?? {}) as { link?: Link; previous?: Link; replaced?: boolean };
    const found = link ?? (op.kind === "get" ? (answer as Link | undefined) : undefined);
    if (found !== undefined) this.#stored.add(nameOf(found));
    if (op.kind !== "replace" || replaced !== true || previous === undefined) return;
    if (unmoved(previous.podIndex))
      this.violations.push(`${op.uid} was moved from pod ${previous.podIndex}, which serves`);
  }

  /** The caller sends an operation that makes or finds a link. @returns to be handed back when its answer came. */
  sent(uid: string, nowMs: number): Flight {
    const forgotten = this.#forgotten.get(uid)?.times ?? 0;
    const young = Array.from(this.#flights).filter(
      (other) => other.uid === uid && nowMs - other.sentAtMs < COMMAND_TIMEOUT_MS,
    );
    // A flight that was forgotten asks again, beside the one that came after it.
    if (young.length > forgotten) this.violations.push(`two flights for ${uid} at the same time`);
    const flight = { uid, sentAtMs: nowMs };
    this.#flights.add(flight);
    return flight;
  }

  landed(flight: Flight): void {
    this.#flights.delete(flight);
  }

  /** The caller may have cached something for this uid now. */
  touched(uid: string, nowMs: number): void {
    this.#touchedAtMs.set(uid, nowMs);
  }

  /** The caller was given a link by somebody else than the store. @param corrected by the pod that the cached one names. */
  given(link: Link, nowMs: number, corrected = false): void {
    this.#given.add(nameOf(link));
    if (corrected) this.#corrected.add(link.uid);
    this.touched(link.uid, nowMs);
  }

  /** The caller's entry is gone. @param now the link that the store has. */
  forgot(uid: string, now: Link | undefined): void {
    const before = this.#forgotten.get(uid) ?? { times: 0, token: 0 };
    this.#forgotten.set(uid, { times: before.times + 1, token: Math.max(before.token, Number(now?.token ?? 0)) });
    this.#seen.delete(uid);
  }

  /** What the caller has cached, now. */
  look(uid: string, cached: Link | undefined, nowMs: number): void {
    const seen = this.#seen.get(uid);
    const corrected = this.#corrected.delete(uid);
    if (cached === undefined) {
      this.#seen.delete(uid);
      return;
    }
    const says = `${nameOf(cached)} is cached`;
    const isGiven = this.#given.has(nameOf(cached));
    if (!isGiven && !this.#stored.has(nameOf(cached))) this.violations.push(`${says}, which nobody said`);
    if (!isGiven && Number(cached.token) < (this.#forgotten.get(uid)?.token ?? 0)) {
      this.violations.push(`${says}, read before it was forgotten`);
    }
    if (seen !== undefined && !corrected && Number(cached.token) < Number(seen.link.token)) {
      const mayBeOver = nowMs >= seen.atMs + this.#lifeMs(seen.link) - 2 * STEP_MS;
      if (!mayBeOver) this.violations.push(`${says}, in the place of ${nameOf(seen.link)}`);
    }
    if (nowMs > (this.#touchedAtMs.get(uid) ?? 0) + this.#lifeMs(cached) + COARSE_MS + STEP_MS) {
      this.violations.push(`${says}, past its time`);
    }
    const same = seen?.link.token === cached.token && seen.link.expiresInMs === cached.expiresInMs;
    if (!same) this.#seen.set(uid, { link: cached, atMs: nowMs });
  }

  /** A call that has to settle within its limit, and is cancelled by nobody but its own caller. */
  follow(what: string, uid: string, limitMs: number, work: Promise<Link | undefined>, signal?: AbortSignal): void {
    const call: Call = { what, limitMs, aborted: () => signal?.aborted === true, ageMs: 0 };
    const lowest = this.#forgotten.get(uid)?.token ?? 0;
    this.#calls.add(call);
    work.then(
      (link) => {
        this.#calls.delete(call);
        this.answers += 1;
        if (link === undefined || this.#given.has(nameOf(link))) return;
        if (Number(link.token) < lowest)
          this.violations.push(`${what} answers what was forgotten before it was called`);
      },
      (error: unknown) => {
        this.#calls.delete(call);
        const { code } = RouteError.from(error);
        const isExpected = code === "CANCELLED" ? call.aborted() : code !== "INTERNAL";
        if (!isExpected) this.violations.push(`${what} failed with ${String(error)}`);
      },
    );
  }

  /** So much time has passed. */
  passed(ms: number): void {
    for (const call of this.#calls) {
      call.ageMs += ms;
      if (call.ageMs > call.limitMs + STEP_MS)
        this.violations.push(`${call.what} has not settled in ${call.limitMs} ms`);
    }
  }

  /** Chains of promises have run: who aborted has been answered. */
  checkAborted(): void {
    for (const call of this.#calls) if (call.aborted()) this.violations.push(`${call.what} was aborted and goes on`);
  }

  #lifeMs(link: Link): number {
    return SHARE * Math.min(this.#cacheMs, link.expiresInMs ?? Number.POSITIVE_INFINITY);
  }
}

function nameOf({ uid, token, podIndex }: Link): string {
  return `${uid}/${token}/pod ${podIndex}`;
}
