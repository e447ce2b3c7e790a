import type { Entered, GuardRequest } from "@podlink/server-driver";
import type { Clock, Figures, Subscription } from "@podlink/types";
import {
  checkDurationMs,
  compareTokens,
  RouteError,
  silentLogger,
  SingleFlight,
  systemClock,
  withDeadline,
} from "@podlink/types";
import { FenceRefused } from "./fence.ts";
import type { SessionHost } from "./host.ts";
import { Nesting } from "./nesting.ts";
import type { SessionSettings, SessionsOptions, UseContext } from "./options.ts";
import { checkHooks, parseSettings } from "./options.ts";
import { refusalError } from "./refusal.ts";
import type { Session, Wait } from "./session.ts";
import { PERIOD_OVER } from "./session.ts";
import { SessionTable } from "./table.ts";

/** How many times a use goes back to the guard because its period ended before it had its turn. */
const MAX_RETURNS = 5;

/** One use that has the turn. */
interface RunningUse<S> {
  readonly uid: string;
  readonly session: Session<S>;
  readonly context: UseContext;
}

/** What is run with the state of a uid. */
export type Use<S, T> = (state: S, context: UseContext) => Promise<T> | T;

/** Sessions over a pod: a ServerDriver, or anything with these few members. @throws RouteError CONFIG */
export function createSessions<S>(pod: SessionHost, options: SessionsOptions<S>): Sessions<S> {
  return new Sessions(pod, options);
}

/**
 * The sessions of one pod. Made before the pod is ready, closed after the pod has stopped: what is not saved by then is
 * saved by the close.
 */
export class Sessions<S> implements AsyncDisposable {
  readonly #pod: SessionHost;
  readonly #settings: SessionSettings;
  readonly #clock: Clock;
  readonly #table: SessionTable<S>;
  readonly #nesting = new Nesting<RunningUse<S>>();
  readonly #claims = new SingleFlight<string, void>();
  readonly #subscriptions: readonly Subscription[];
  #closing: Promise<void> | undefined;

  /** Use {@link createSessions}. */
  constructor(pod: SessionHost, options: SessionsOptions<S>) {
    const { load, save, isBusy, clock = systemClock, logger = silentLogger, ...settings } = options;
    const hooks = checkHooks({ load, ...(save && { save }), ...(isBusy && { isBusy }) });
    this.#pod = pod;
    this.#clock = clock;
    this.#settings = parseSettings(settings);
    this.#table = new SessionTable(pod, { hooks, settings: this.#settings, clock }, logger);
    this.#subscriptions = [
      pod.onPeriod((event) => this.#table.onPeriod(event)),
      pod.onHandOff((uid, link) => this.#table.handOver(uid, link)),
    ];
  }

  /** How many sessions there are. */
  get size(): number {
    return this.#table.size;
  }

  /**
   * Runs `fn` with the state of a uid that this pod holds, or gets. Uses of a uid run one after another, in the order
   * they came (after a refused fence in any order); one inside another of the same uid belongs to it and runs at once.
   * A use whose `fn` throws FenceRefused runs again on the state loaded anew: write first, then change the state.
   *
   * @param request what the request said (token, pod meant), its signal, and how long it waits for its turn.
   * @throws RouteError NOT_HOLDER (with `link`, when known), SUPERSEDED, POD_UNAVAILABLE, TIMEOUT or CANCELLED: `fn` has
   * not run; INVALID_ARGUMENT, CLOSED; and whatever `load` and `fn` throw.
   */
  async use<T>(uid: string, fn: Use<S, T>, request: GuardRequest = {}): Promise<T> {
    const around = this.#nesting.around(uid);
    if (around !== undefined) return useInside(around, fn);
    const endsAtMs = this.#clock.nowMs() + checkDurationMs(request.timeoutMs ?? this.#settings.waitMs, "timeoutMs");
    const wait = (): Wait => ({
      signal: request.signal,
      timeoutMs: Math.max(0, Math.ceil(endsAtMs - this.#clock.nowMs())),
    });
    let claims = 0;
    let returns = 0;
    let floor: string | undefined;
    for (;;) {
      this.#checkOpen();
      const answer = this.#pod.enter(uid, request);
      const entry = answer instanceof Promise ? await answer : answer; // at once for an own uid: uses keep their order
      if (!entry.ok) throw refusalError(entry, this.#pod.state.phase);
      try {
        // Of those whose fence was refused one claims again; the others find its new token here.
        if (floor === undefined || compareTokens(entry.link.token, floor) > 0) {
          return await entry.run(() => this.#useIn(uid, entry, fn, wait()));
        }
      } catch (error) {
        if (FenceRefused.is(error)) {
          floor = error.token;
          if ((claims += 1) > this.#settings.maxClaims) throw refusedAgain(error);
        } else if (error !== PERIOD_OVER) throw error;
        else if ((returns += 1) > MAX_RETURNS) throw periodOver();
        continue;
      } finally {
        entry.leave();
      }
      await this.#claimAgain(uid, floor, wait());
    }
  }

  /**
   * Ends a session: saves it and gives the link back, after the uses that came before.
   * @param graceMs how long the link stays as a goodbye. Default: `releaseGraceMs`.
   * @throws RouteError TIMEOUT, CLOSED, INVALID_ARGUMENT (inside a use of the uid too: call it after that), what `save`
   * throws, and what `removeLinkedPod` throws.
   */
  async release(uid: string, graceMs: number = this.#settings.releaseGraceMs): Promise<void> {
    checkDurationMs(graceMs, "graceMs");
    this.#checkOpen();
    if (this.#nesting.around(uid) !== undefined) {
      throw new RouteError("INVALID_ARGUMENT", "a session is released after its use, not inside it");
    }
    const session = this.#table.get(uid);
    if (session === undefined) {
      await this.#pod.removeLinkedPod(uid, graceMs);
      return;
    }
    try {
      await session.takeLastTurn({ timeoutMs: this.#settings.waitMs });
    } catch (error) {
      if (error === PERIOD_OVER) return;
      throw error;
    }
    await this.#table.letGo(session, { graceMs, keepIfWanted: false });
  }

  /** Counters, for a monitor. */
  read(): Figures {
    const { figures, size: sessions, waiting } = this.#table;
    return { ...figures, sessions, waiting };
  }

  /**
   * Saves what is not saved yet and ends all sessions; uses that wait are refused with CLOSED. Idempotent.
   * Settles after `saveTimeoutMs` twice for every 64 sessions at worst: once for a use that hangs, once for the save.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#table.close();
    for (const subscription of this.#subscriptions) subscription.close();
  }

  async #useIn<T>(uid: string, entry: Entered, fn: Use<S, T>, wait: Wait): Promise<T> {
    this.#checkOpen(); // it may have been closed while the guard was asked
    if (entry.signal.aborted) throw PERIOD_OVER;
    const session = this.#table.ofPeriod(uid, entry);
    await session.takeTurn(wait);
    try {
      if (!session.live) throw PERIOD_OVER;
      const state = session.touch();
      const context = contextOf(session, entry.fenced);
      return await this.#nesting.run({ uid, session, context }, () => fn(state, context));
    } catch (error) {
      if (FenceRefused.is(error)) this.#table.refuse(session, error);
      throw error;
    } finally {
      session.rest();
    }
  }

  /** One claim above the token for all who were refused by it; each waits as long as it may. */
  #claimAgain(uid: string, floor: string, { signal, timeoutMs }: Wait): Promise<void> {
    const claim = this.#claims.run(`${floor} ${uid}`, async () => {
      const answer = await this.#pod.claimAgain(uid, floor);
      if (!answer.ok) throw refusalError(answer, this.#pod.state.phase);
      if (compareTokens(answer.link.token, floor) > 0) return;
      throw new RouteError("INTERNAL", "a claim above a token was answered with a lower one");
    });
    const what = "a claim above the storage's token";
    return withDeadline(claim, { what, timeoutMs, clock: this.#clock, ...(signal && { signal }) });
  }

  #checkOpen(): void {
    if (this.#closing !== undefined)
      throw new RouteError("CLOSED", "the sessions are closed", { outcome: "not-applied" });
  }
}

/** A use inside another of the same uid: it has the turn already. */
async function useInside<S, T>({ session, context }: RunningUse<S>, fn: Use<S, T>): Promise<T> {
  if (!session.live) throw periodOver();
  return fn(session.touch(), context);
}

function contextOf<S>(session: Session<S>, fenced: true | undefined): UseContext {
  const { link, signal, fence } = session;
  return fenced === undefined ? { link, signal, fence } : { link, signal, fence, fenced };
}

function periodOver(): RouteError {
  const message = "the period in which this pod held the uid is over";
  return new RouteError("NOT_HOLDER", message, { outcome: "not-applied" });
}

function refusedAgain(cause: FenceRefused): RouteError {
  return new RouteError("POD_UNAVAILABLE", "the storage refused the fence after every claim", { cause });
}
