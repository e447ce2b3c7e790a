import type { FakeClock } from "@podlink/testkit";
import type { Link } from "@podlink/types";
import { sleep } from "@podlink/types";
import type { Entered, Entry, PeriodEvent } from "../../../src/index.ts";
import type { Life } from "../one-owner/simulation.ts";
import { FAST } from "../world.ts";
import type { Fleet } from "./fleet.ts";

/** How an application saves a user when it is told to. */
export type Saving = "at-once" | "slowly" | "throws" | "hangs";
/** When a change is acknowledged: once it is stored, or at once, to be stored when the user is handed off. */
export type Writing = "through" | "behind";

interface Session {
  readonly link: Link;
  count: number;
  /** Acknowledged and not stored. */
  unsaved: number;
  /** Its application was told to save, and didn't. */
  excused: boolean;
  handedOff: boolean;
  /** Its requests were given less time than a short one takes: the pod has to be gone before. */
  rushed: boolean;
}

/** Within the time that a hand-off gives to requests, and to saves, when its pod has enough. */
const SLOW_MS = 120;

/** A pod's application: a counter for each user, in memory while the pod has the user. */
export class CounterApp {
  saving: Saving = "at-once";
  /** Until then nothing but the application's own way of saving excuses a change that is lost. Absent: it doesn't stop. */
  drainEndsAtMs: number | undefined;
  readonly life: Life;
  readonly #fleet: Fleet;
  readonly #clock: FakeClock;
  readonly #sessions = new Map<string, Session>();

  constructor(life: Life, fleet: Fleet) {
    this.life = life;
    this.#fleet = fleet;
    this.#clock = fleet.simulation.clock;
    life.driver.onHandOff((uid, link) => this.#handOff(uid, link));
    life.driver.onPeriod((event) => this.#heard(event));
  }

  /** One request that changes the user's counter. Resolves with the refusal, if it was refused. */
  async change(uid: string, writing: Writing, ms: number): Promise<void> {
    const entered = this.life.driver.enter(uid);
    if (!(entered instanceof Promise)) return this.#answered(uid, entered, writing, ms);
    const { model } = this.#fleet.simulation;
    const heard = (entry: Entry): void => this.#answered(uid, entry, writing, ms);
    model.follow(this.life, "enter", FAST.handOffTimeoutMs, entered, heard);
    return undefined;
  }

  /** Its process ends without a word. */
  crash(): void {
    this.drainEndsAtMs = Number.NEGATIVE_INFINITY;
    void this.life.driver.close();
  }

  /** How long the pod has to hand its users off before its guard closes. */
  stops(deadlineMs: number, hurried: boolean): void {
    const goodbyeMs = Math.min(2 * FAST.commandTimeoutMs, deadlineMs / 4);
    const drainMs = hurried ? Math.min(FAST.handOffTimeoutMs, deadlineMs - goodbyeMs) : deadlineMs - goodbyeMs;
    this.drainEndsAtMs = Math.min(this.drainEndsAtMs ?? Number.POSITIVE_INFINITY, this.#clock.nowMs() + drainMs);
  }

  #answered(uid: string, entry: Entry, writing: Writing, ms: number): void {
    this.#fleet.simulation.model.answered(this.life, uid, entry);
    if (entry.ok) void this.#run(entry, writing, ms).finally(() => entry.leave());
    else if (entry.link !== undefined) this.#fleet.redirected(uid, entry.link, writing, ms);
  }

  async #run({ link, signal }: Entered, writing: Writing, ms: number): Promise<void> {
    const session = this.#session(link);
    if (session === undefined) {
      void this.life.driver.claimAgain(link.uid, String(this.#fleet.simulation.model.newestToken(link.uid)));
      return;
    }
    await sleep(ms, { clock: this.#clock, signal });
    if (signal.aborted) {
      // Not acknowledged. A short request is waited for.
      if (session.handedOff && ms <= SLOW_MS && !session.rushed)
        this.#violation(`a request of ${link.uid} was cut off by the hand-off`);
      return;
    }
    session.count += 1;
    if (writing === "behind") session.unsaved += 1;
    else if (this.#fleet.counters.save(link, session.count)) {
      this.#fleet.stored(link.uid, session.unsaved + 1);
      session.unsaved = 0;
    }
  }

  /** Loaded once for each period. Undefined: the storage refused. */
  #session(link: Link): Session | undefined {
    const known = this.#sessions.get(link.uid);
    if (known?.link.token === link.token) return known;
    const count = this.#fleet.counters.load(link);
    if (count === undefined) return undefined;
    const session: Session = { link, count, unsaved: 0, excused: false, handedOff: false, rushed: false };
    this.#sessions.set(link.uid, session);
    return session;
  }

  async #handOff(uid: string, link: Link): Promise<void> {
    const session = this.#sessions.get(uid);
    if (session?.link.token !== link.token) return;
    const { saving } = this;
    // Requests have had half of what was left: as much as is left now.
    session.rushed = (this.drainEndsAtMs ?? Number.POSITIVE_INFINITY) - this.#clock.nowMs() < SLOW_MS;
    if (saving === "throws" || saving === "hangs") {
      session.excused = true;
      if (saving === "throws") throw new Error("the application could not save");
      await new Promise(() => undefined);
    }
    if (saving === "slowly") await sleep(SLOW_MS, { clock: this.#clock });
    const isOn = this.life.driver.isHeld(uid);
    if (!this.#save(session) && isOn) this.#violation(`${uid} was moved before it was saved`);
  }

  #save(session: Session): boolean {
    if (!this.#fleet.counters.save(session.link, session.count)) return false;
    this.#fleet.stored(session.link.uid, session.unsaved);
    session.unsaved = 0;
    return true;
  }

  #heard(event: PeriodEvent): void {
    const session = this.#sessions.get(event.uid);
    if (event.kind !== "ended" || session === undefined) return;
    this.#sessions.delete(event.uid);
    session.handedOff = event.reason === "handed-off";
    const inTime = this.drainEndsAtMs !== undefined && this.#clock.nowMs() < this.drainEndsAtMs;
    const owesAll = event.reason === "handed-off" || (event.reason === "stopped" && inTime);
    if (owesAll && session.unsaved > 0 && !session.excused) {
      this.#violation(`${event.uid} was given away with ${session.unsaved} changes unsaved`);
    }
    this.#save(session); // the storage decides whether it is still ours
  }

  #violation(text: string): void {
    this.#fleet.simulation.model.violations.push(`pod ${this.life.podIndex}: ${text}`);
  }
}
