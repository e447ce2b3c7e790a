import type { Granted, PeriodEvent } from "@podlink/server-driver";
import type { Link, Logger } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { FenceRefused } from "./fence.ts";
import type { SessionHost } from "./host.ts";
import type { SessionRules } from "./session.ts";
import { PERIOD_OVER, Session } from "./session.ts";
import { forEachAtOnce, Sweep } from "./sweep.ts";

/** How many sessions are saved at the same time by a sweep or at the end. */
const SAVES_AT_ONCE = 64;

/** The sessions there are, and every way in which one goes. */
export class SessionTable<S> {
  readonly figures = { loads: 0, loadFailures: 0, saves: 0, saveFailures: 0, fenceRefusals: 0, idled: 0, ended: 0 };
  readonly #pod: Pick<SessionHost, "removeLinkedPod">;
  readonly #rules: SessionRules<S>;
  readonly #logger: Logger;
  readonly #sessions = new Map<string, Session<S>>();
  /** Saves that outlive their session: the next load of the uid waits for them, and close. */
  readonly #parting = new Map<string, Promise<void>>();
  readonly #sweep: Sweep;

  constructor(pod: Pick<SessionHost, "removeLinkedPod">, rules: SessionRules<S>, logger: Logger) {
    this.#pod = pod;
    this.#rules = rules;
    this.#logger = logger;
    this.#sweep = new Sweep(rules.clock, rules.settings.sweepMs, () => this.#letIdleOnesGo());
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** How many uses wait, of all uids. */
  get waiting(): number {
    let waiting = 0;
    for (const session of this.#sessions.values()) waiting += session.waiting;
    return waiting;
  }

  /** The session of a uid. Absent: none. */
  get(uid: string): Session<S> | undefined {
    return this.#sessions.get(uid);
  }

  /** The session of the period that the guard let in: one of another period is never used for it. */
  ofPeriod(uid: string, period: Granted): Session<S> {
    const known = this.#sessions.get(uid);
    if (known?.live === true && known.isOf(period.link)) return known;
    if (known !== undefined) this.#lose(known);
    const session = new Session(uid, period, this.#rules, this.#parting.get(uid));
    this.#sessions.set(uid, session);
    this.figures.loads += 1;
    void session.loaded.then((failure) => {
      if (failure === undefined) return;
      this.figures.loadFailures += 1;
      this.drop(session, failure); // the next use tries again
    });
    this.#sweep.start();
    return session;
  }

  /** Takes a session out; uses that wait for it get the cause. */
  drop(session: Session<S>, cause: unknown): void {
    session.end(cause);
    if (this.#sessions.get(session.uid) !== session) return;
    this.#sessions.delete(session.uid);
    this.figures.ended += 1;
  }

  /** The storage refused the session's fence: what is here is not the newest. */
  refuse(session: Session<S>, cause: unknown): void {
    this.figures.fenceRefusals += 1;
    session.forbidSaving();
    this.drop(session, cause);
  }

  /** A period began or ended. */
  onPeriod(event: PeriodEvent): void {
    const session = this.#sessions.get(event.uid);
    if (event.kind !== "ended" || session === undefined) return;
    // Given up by this pod itself: nobody else can have taken the uid yet. Handed off: it is saved already.
    const givenUp = event.reason === "stopped" || event.reason === "released";
    if (!givenUp) return this.#lose(session);
    this.#part(session, this.#save(session));
    this.drop(session, PERIOD_OVER);
  }

  /** Before the link moves: the state is kept. The session stays, in case nobody takes the uid. */
  async handOver(uid: string, link: Link): Promise<void> {
    const session = this.#sessions.get(uid);
    if (session === undefined || !session.isOf(link)) return;
    if (!session.tryTakeTurn()) {
      // A use takes long, and the pod has waited for it as long as others allow: what it changed so far is kept, and the
      // rest if it ends in time. Those that wait go back to the guard, or they would change what is saved.
      session.refuseWaiting(PERIOD_OVER);
      await this.#save(session);
      if (!(await this.#turnInTime(session))) return;
    }
    try {
      await this.#save(session);
    } finally {
      session.endTurn();
    }
  }

  /**
   * Saves a session whose turn the caller has, and gives its link back.
   * @param keepIfWanted uses that came meanwhile keep it.
   */
  async letGo(session: Session<S>, options: { graceMs: number; keepIfWanted: boolean }): Promise<boolean> {
    let removal: Promise<unknown>;
    try {
      await this.#save(session);
      if (!session.live || (options.keepIfWanted && session.waiting > 0)) return false;
      // Closes the guard before it returns: those sent away below can't come back into this period.
      removal = this.#pod.removeLinkedPod(session.uid, options.graceMs);
      this.drop(session, PERIOD_OVER);
    } finally {
      session.endTurn();
    }
    await removal;
    return true;
  }

  /** Saves and ends everything. */
  async close(): Promise<void> {
    this.#sweep.close();
    const closed = new RouteError("CLOSED", "the sessions are closed", { outcome: "not-applied" });
    await forEachAtOnce(this.#sessions.values(), SAVES_AT_ONCE, async (session) => {
      session.refuseWaiting(closed);
      await this.#turnInTime(session);
      await this.#save(session).catch(() => undefined);
      this.drop(session, closed);
    });
    await Promise.all(this.#parting.values());
  }

  /** Takes the turn at last. False: a use hangs, it is not waited for longer than a save; or the session has ended. */
  #turnInTime(session: Session<S>): Promise<boolean> {
    const timeoutMs = this.#rules.settings.saveTimeoutMs;
    return session.takeLastTurn({ timeoutMs }).then(
      () => true,
      () => false,
    );
  }

  /** The period was taken away: what is here may not be saved any more. */
  #lose(session: Session<S>): void {
    session.forbidSaving();
    this.drop(session, PERIOD_OVER);
  }

  async #letIdleOnesGo(): Promise<boolean> {
    const { releaseGraceMs: graceMs } = this.#rules.settings;
    await forEachAtOnce(this.#sessions.values(), SAVES_AT_ONCE, async (session) => {
      try {
        if (!session.live) return this.#lose(session); // its period was over before it was here to be told
        if (!session.isIdle() || !session.tryTakeTurn()) return;
        if (await this.letGo(session, { graceMs, keepIfWanted: true })) this.figures.idled += 1;
      } catch (error) {
        this.#logger.warn({ token: session.fence.token, error: textOf(error) }, "an idle session could not be let go");
      }
    });
    return this.#sessions.size > 0;
  }

  #part({ uid }: Session<S>, saving: Promise<void>): void {
    const before = this.#parting.get(uid);
    const parted = Promise.all([before, saving.catch(() => undefined)]) // it was logged
      .then(() => {
        if (this.#parting.get(uid) === parted) this.#parting.delete(uid);
      });
    this.#parting.set(uid, parted);
  }

  async #save(session: Session<S>): Promise<void> {
    try {
      if (await session.save()) this.figures.saves += 1;
    } catch (error) {
      if (!FenceRefused.is(error)) {
        this.figures.saveFailures += 1;
        this.#logger.error({ token: session.fence.token, error: textOf(error) }, "a session could not be saved");
        throw error;
      }
      // Somebody with a higher token has the state. The next use loads, is refused likewise, and claims above it.
      this.#logger.warn(
        { token: session.fence.token, refusedBy: error.token },
        "a session goes unsaved: its fence was refused",
      );
      this.refuse(session, PERIOD_OVER);
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
