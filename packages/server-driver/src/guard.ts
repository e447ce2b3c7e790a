import type { Link } from "@podlink/types";
import { checkDurationMs, checkToken, checkUid, RouteError, withDeadline } from "@podlink/types";
import type { Entry, GuardAnswer, GuardRequest, Refused } from "./answers.ts";
import { refusal } from "./answers.ts";
import type { Authority } from "./authority.ts";
import type { Claims } from "./claims.ts";
import type { PodContext } from "./context.ts";
import type { Entries } from "./entries.ts";
import type { HandOffEnd } from "./hand-off.ts";
import type { Lease } from "./lease.ts";
import type { OwnershipTable } from "./ownership-table.ts";
import type { Period } from "./period.ts";
import type { Registration } from "./registration.ts";

export interface GuardParts {
  readonly context: PodContext;
  readonly table: OwnershipTable;
  readonly claims: Claims;
  readonly authority: Authority;
  readonly registration: Registration;
  readonly lease: Lease;
  readonly entries: Entries;
  /** What is done about a uid that this pod doesn't hold: a claim, as a rule. Never rejects. */
  readonly onUnknown: (uid: string) => Promise<GuardAnswer>;
  /** Where this pod moved a uid on its way out. Undefined: nowhere. */
  readonly movedTo: (uid: string) => Link | undefined;
}

const NO_REQUEST: GuardRequest = {};

/** Says whether this pod may serve a uid now. A held and verified uid costs two clock reads and no I/O. */
export class Guard {
  readonly #parts: GuardParts;

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** @throws RouteError INVALID_ARGUMENT; CANCELLED by the request's own signal. */
  ask(uid: string, request: GuardRequest = NO_REQUEST): GuardAnswer | Promise<GuardAnswer> {
    checkRequest(uid, request);
    const answer = this.#now(uid, request);
    return answer instanceof Promise ? this.#waitFor(answer, request) : answer;
  }

  /** The same, and the request counts as running from the moment it is granted. */
  enter(uid: string, request: GuardRequest = NO_REQUEST): Entry | Promise<Entry> {
    checkRequest(uid, request);
    const answer = this.#now(uid, request);
    if (answer instanceof Promise) return this.#enterLater(uid, request, answer);
    return this.#count(uid, answer) ?? refusal("unavailable", { retryAfterMs: 0 });
  }

  async #enterLater(uid: string, request: GuardRequest, first: Promise<GuardAnswer>): Promise<Entry> {
    const begunAtMs = this.#parts.context.clock.nowMs();
    const timeoutMs = this.#timeoutMs(request);
    let answer: GuardAnswer | Promise<GuardAnswer> = first;
    for (;;) {
      const passedMs = this.#parts.context.clock.nowMs() - begunAtMs;
      const settled: GuardAnswer =
        answer instanceof Promise
          ? await this.#waitFor(answer, { ...request, timeoutMs: Math.max(0, timeoutMs - passedMs) })
          : answer;
      const entry = this.#count(uid, settled);
      if (entry !== undefined) return entry;
      // Granted, and then ended or handed off before it could be counted: the guard decides anew.
      answer = this.#now(uid, request);
    }
  }

  /** Undefined: what was granted is over already. */
  #count(uid: string, answer: GuardAnswer): Entry | undefined {
    if (!answer.ok) return answer;
    const { table, entries } = this.#parts;
    const period = table.held(uid);
    if (period === undefined || period.link !== answer.link || this.#isHeldBack(period)) return undefined;
    return entries.enter(period, answer);
  }

  #now(uid: string, request: GuardRequest): GuardAnswer | Promise<GuardAnswer> {
    const { table, lease, authority, claims, context } = this.#parts;
    if (!this.#isMeant(request)) return refusal("not-me");
    if (authority.isClosed) return this.#closed(uid);
    const standing = lease.standing();
    const period = table.held(uid);
    if (standing === "fenced") return authority.refusesClaims() ?? refusal("fenced");
    if (period === undefined) {
      const mayClaim = standing === "held";
      return mayClaim
        ? (authority.refusesClaims() ?? this.#parts.onUnknown(uid))
        : refusal("fenced", { retryAfterMs: context.settings.heartbeatIntervalMs });
    }
    if (this.#isHeldBack(period)) return this.#afterHandOff(uid, request, period);
    const asked = request.token === undefined ? 0 : Number(request.token);
    const isNews = asked > period.askedToken;
    if (standing === "held") return isNews ? claims.claimAsked(uid, asked) : period.granted;
    // A higher token: somebody else may have had the link meanwhile, and the store can't be asked.
    return isNews
      ? refusal("fenced", { retryAfterMs: context.settings.heartbeatIntervalMs })
      : { ...period.granted, fenced: true };
  }

  /** Callers that have not heard the goodbye yet are told where their user went, until nobody asks here any more. */
  #closed(uid: string): Refused {
    const link = this.#parts.movedTo(uid);
    return link === undefined ? refusal("stopped") : refusal("held-by", { link });
  }

  /** A request that runs already is never held back by the hand-off that waits for it. */
  #isHeldBack(period: Period): boolean {
    return period.handOff !== undefined && !this.#parts.entries.isInside(period);
  }

  async #afterHandOff(uid: string, request: GuardRequest, period: Period): Promise<GuardAnswer> {
    const end = (await period.handOff) as HandOffEnd;
    switch (end.kind) {
      case "moved":
        return refusal("held-by", { link: end.link });
      case "left":
        return refusal("stopped");
      case "unknown":
        return refusal("unavailable", { retryAfterMs: this.#parts.context.settings.commandTimeoutMs });
      case "kept":
        return this.#now(uid, request);
    }
  }

  #isMeant({ pod }: GuardRequest): boolean {
    if (pod === undefined) return true;
    const { namespace, service, podIndex } = this.#parts.context.name;
    if (pod.namespace !== namespace || pod.service !== service || pod.podIndex !== podIndex) return false;
    const { identity } = this.#parts.registration;
    // A lower incarnation of this index is welcome: a claim decides.
    return pod.incarnation === undefined || identity === undefined || pod.incarnation <= identity.incarnation;
  }

  #timeoutMs(request: GuardRequest): number {
    return request.timeoutMs ?? this.#parts.context.settings.handOffTimeoutMs;
  }

  /** Bounds this caller's wait alone; what it waits for goes on. */
  async #waitFor(answer: Promise<GuardAnswer>, request: GuardRequest): Promise<GuardAnswer> {
    const { context } = this.#parts;
    const { signal } = request;
    try {
      return await withDeadline(answer, {
        what: "the guard's answer",
        timeoutMs: this.#timeoutMs(request),
        clock: context.clock,
        ...(signal === undefined ? undefined : { signal }),
      });
    } catch (error) {
      if (RouteError.is(error) && error.code === "TIMEOUT") return this.#tooLate();
      throw error;
    }
  }

  #tooLate(): Refused {
    return refusal("unavailable", { retryAfterMs: this.#parts.context.settings.commandTimeoutMs });
  }
}

function checkRequest(uid: string, request: GuardRequest): void {
  checkUid(uid);
  if (request.token !== undefined) checkToken(request.token);
  if (request.timeoutMs !== undefined) checkDurationMs(request.timeoutMs, "timeoutMs");
}
