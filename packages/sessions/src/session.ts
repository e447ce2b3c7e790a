import type { Clock, Link } from "@podlink/types";
import { RouteError, withDeadline } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { Fence } from "./fence.ts";
import { FenceRefused, fenceOf } from "./fence.ts";
import type { SessionHooks, SessionSettings } from "./options.ts";
import { Turns } from "./turns.ts";

/** Why uses that wait are sent back to the guard: the period they were let in for is over. Never seen outside. */
export const PERIOD_OVER: Error = new Error("the period is over");

/** What all sessions of a pod share. */
export interface SessionRules<S> {
  readonly hooks: SessionHooks<S>;
  readonly settings: SessionSettings;
  readonly clock: Clock;
}

/** How long a use waits. */
export interface Wait {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/** The state of one uid for one period: loaded once, used in turn, saved before it goes. Ended once, for good. */
export class Session<S> {
  readonly uid: string;
  readonly link: Link;
  readonly fence: Fence;
  /** Aborts when the period ends. */
  readonly signal: AbortSignal;
  /** Settles when `load` has; never rejects. Undefined cause: it is loaded. */
  readonly loaded: Promise<unknown>;
  readonly #rules: SessionRules<S>;
  // The load has the first turn: whoever comes meanwhile waits behind it.
  readonly #turns = new Turns({ taken: true });
  #state: { readonly value: S } | undefined;
  #restsSinceMs: number;
  #ended = false;
  #changed = false;
  /** A use has had the state since the turn was taken. */
  #touched = false;
  #forbidden = false;
  #save: { readonly done: Promise<void>; readonly stop: AbortController } | undefined;

  /** @param after the save of the session before this one, if it is still under way: loading waits for it. */
  constructor(
    uid: string,
    period: { readonly link: Link; readonly signal: AbortSignal },
    rules: SessionRules<S>,
    after?: Promise<void>,
  ) {
    this.uid = uid;
    this.link = period.link;
    this.signal = period.signal;
    this.fence = fenceOf(period.link);
    this.#rules = rules;
    this.#restsSinceMs = rules.clock.nowMs();
    this.loaded = this.#load(after);
  }

  /** Whether it may be used: its period goes on and nothing was found wrong with it. */
  get live(): boolean {
    return !this.#ended && !this.signal.aborted;
  }

  /** How many uses wait. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  /** Whether the link is of this session's period: a new token is a new period. */
  isOf(link: Link): boolean {
    return link.token === this.link.token && link.incarnation === this.link.incarnation;
  }

  /**
   * Waits for the turn of a use, if not too many wait.
   * @throws RouteError POD_UNAVAILABLE, TIMEOUT, CANCELLED; or the cause that ended the session.
   */
  async takeTurn(wait: Wait): Promise<void> {
    const { waiting } = this.#turns;
    // The use that began the load is served first: it isn't one too many.
    const most = this.#rules.settings.maxQueued + (this.#state === undefined ? 1 : 0);
    if (this.#turns.tryTake()) return;
    if (waiting >= most) {
      const message = `${waiting} uses wait for this uid, as many as maxQueued allows`;
      throw new RouteError("POD_UNAVAILABLE", message, { outcome: "not-applied" });
    }
    await this.takeLastTurn(wait);
  }

  /** Waits for a turn behind all uses that wait. @throws RouteError TIMEOUT, CANCELLED; or the cause that ended the session. */
  async takeLastTurn(wait: Wait): Promise<void> {
    if (this.#turns.tryTake()) return;
    const { clock } = this.#rules;
    const place = this.#turns.join();
    const { signal, timeoutMs } = wait;
    const deadline = { what: "the turn of a use", outcome: "not-applied" as const, clock, timeoutMs };
    try {
      await withDeadline(place.ready, signal === undefined ? deadline : { ...deadline, signal });
    } catch (error) {
      place.leave();
      throw error;
    }
  }

  /** Takes the turn if nobody uses it. */
  tryTakeTurn(): boolean {
    return this.#turns.tryTake();
  }

  endTurn(): void {
    this.#turns.done();
  }

  /** Sends those away who wait; whoever comes later may wait again. */
  refuseWaiting(cause: unknown): void {
    this.#turns.refuseAll(cause);
  }

  /** Hands the state to a use that has the turn; from here on there is something to save. */
  touch(): S {
    this.#changed = true;
    this.#touched = true;
    return this.state();
  }

  /** The state. Only after it was loaded. */
  state(): S {
    if (this.#state === undefined) throw new RouteError("INTERNAL", "a session was used before it was loaded");
    return this.#state.value;
  }

  /** A use has ended: idleness counts from now. What it changed since a save in its middle is still to be saved. */
  rest(): void {
    if (this.#touched) this.#changed = true;
    this.#touched = false;
    this.#restsSinceMs = this.#rules.clock.nowMs();
    this.#turns.done();
  }

  /** Whether it went unused for `idleMs`, and the application has no reason to keep it. */
  isIdle(): boolean {
    const { hooks, settings, clock } = this.#rules;
    if (this.#state === undefined || clock.nowMs() - this.#restsSinceMs < settings.idleMs) return false;
    return hooks.isBusy?.(this.uid, this.#state.value) !== true;
  }

  /**
   * Saves what was changed, without waiting for a turn. Calls at the same time share one save. False: nothing to save.
   * @throws what `save` throws, or TIMEOUT.
   */
  async save(): Promise<boolean> {
    const { save } = this.#rules.hooks;
    const state = this.#state;
    while (this.#save !== undefined) await this.#save.done;
    if (save === undefined || state === undefined || this.#forbidden || !this.#changed) return false;
    this.#changed = false; // what is changed while it runs is for the next save
    const stop = new AbortController();
    const done = this.#carryOut(save, state.value, stop).finally(() => (this.#save = undefined));
    this.#save = { done, stop };
    await done;
    return true;
  }

  /** Nobody gets in any more; who waits is sent away with the cause. */
  end(cause: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#turns.refuseAll(cause);
  }

  /** The period was lost: a save under way would be refused or, without a fence, do harm. */
  forbidSaving(): void {
    this.#forbidden = true;
    this.#save?.stop.abort();
  }

  async #load(after: Promise<void> | undefined): Promise<unknown> {
    const { settings, clock } = this.#rules;
    try {
      if (after !== undefined) await after;
      const timeoutMs = settings.loadTimeoutMs;
      this.#state = { value: await withDeadline(this.#loading(), { what: "load of a session", clock, timeoutMs }) };
    } catch (error) {
      this.end(error);
      return error ?? new Error("load rejected without a reason");
    }
    this.rest();
    return undefined;
  }

  async #loading(): Promise<S> {
    const { uid, link, signal, fence } = this;
    await failpoint("before-load", { uid });
    const state = await this.#rules.hooks.load(uid, { link, signal, fence });
    await failpoint("after-load", { uid });
    return state;
  }

  async #carryOut(save: NonNullable<SessionHooks<S>["save"]>, state: S, stop: AbortController): Promise<void> {
    const { settings, clock } = this.#rules;
    const context = { link: this.link, signal: stop.signal, fence: this.fence };
    try {
      const saving = async (): Promise<void> => {
        await failpoint("before-save", { uid: this.uid });
        await save(this.uid, state, context);
        await failpoint("after-save", { uid: this.uid });
      };
      const timeoutMs = settings.saveTimeoutMs;
      await withDeadline(saving(), { what: "save of a session", clock, timeoutMs, signal: stop.signal });
    } catch (error) {
      stop.abort();
      if (!FenceRefused.is(error)) this.#changed = true; // still to be saved
      throw error;
    }
  }
}
