import type { Link } from "@podlink/types";
import type { GuardAnswer, PeriodEvent, ServerDriver } from "../../../src/index.ts";
import type { PausableProcess } from "../pausable.ts";

/** One process of a pod, as far as the model knows it. */
export interface LifeOfPod {
  readonly podIndex: number;
  readonly driver: ServerDriver;
  readonly process: PausableProcess;
}

interface OpenPeriod {
  readonly token: number;
  readonly signals: Set<AbortSignal>;
}

interface PendingCall {
  readonly what: string;
  readonly life: LifeOfPod;
  readonly limitMs: number;
  ageMs: number;
}

/** The tests move time in steps of so much. */
const STEP_MS = 10;

/** What has to be true of all pods' guards, periods and calls together, whatever happens to them. */
export class OwnershipModel {
  /** What was found to be untrue. */
  readonly violations: string[] = [];
  grants = 0;
  readonly #lives: LifeOfPod[] = [];
  readonly #newest = new Map<string, { readonly token: number; readonly life: LifeOfPod }>();
  readonly #periods = new Map<LifeOfPod, Map<string, OpenPeriod>>();
  readonly #pending = new Set<PendingCall>();

  /** A process of a pod begins. */
  begin(life: LifeOfPod): void {
    const periods = new Map<string, OpenPeriod>();
    this.#lives.push(life);
    this.#periods.set(life, periods);
    life.driver.onPeriod((event) => this.#heard(life, periods, event));
  }

  /** The highest token that any pod was given for the uid; 0: none. */
  newestToken(uid: string): number {
    return this.#newest.get(uid)?.token ?? 0;
  }

  /** No pod has an answer of this uid, or another outcome, still to come. */
  isQuiet(): boolean {
    return this.#pending.size === 0;
  }

  /** A call that has to settle within `limitMs` of its process' running time. Calls `heard` with its answer. */
  follow<T>(life: LifeOfPod, what: string, limitMs: number, work: Promise<T>, heard: (answer: T) => void): void {
    const call: PendingCall = { what, life, limitMs, ageMs: 0 };
    this.#pending.add(call);
    const settled = (): void => void this.#pending.delete(call);
    work
      .then((answer) => {
        settled();
        heard(answer);
      })
      .catch(settled);
  }

  /** So much time has passed. */
  passed(ms: number): void {
    for (const call of this.#pending) {
      if (!call.life.process.isPaused) call.ageMs += ms;
      if (call.ageMs > call.limitMs + STEP_MS) {
        this.violations.push(`${call.what} of pod ${call.life.podIndex} has not settled in ${call.limitMs} ms`);
        this.#pending.delete(call);
      }
    }
  }

  /** The guard has answered. What ended before the answer was heard is not looked at: its signal says so. */
  answered(life: LifeOfPod, uid: string, answer: GuardAnswer, floor = 0): void {
    if (!answer.ok || answer.signal.aborted) return;
    this.grants += 1;
    const { link, signal } = answer;
    const period = this.#periods.get(life)?.get(uid);
    const { identity } = life.driver;
    const says = `pod ${life.podIndex} says that ${uid} is its own`;
    if (link.podIndex !== life.podIndex || link.incarnation !== identity?.incarnation) {
      this.violations.push(`${says}, not under its present registration`);
    }
    if (period === undefined || period.token !== Number(link.token)) {
      this.violations.push(`${says}, not under the token of its period`);
    }
    if (Number(link.token) <= floor) this.violations.push(`${says}, not above the floor it was given`);
    if (!life.driver.isHeld(uid)) this.violations.push(`${says}, past its lease`);
    period?.signals.add(signal);
    this.check(uid);
  }

  /** At this instant at most one guard says "mine". */
  check(uid: string): void {
    const owners = this.#lives.filter((life) => !life.process.isPaused && this.#saysMine(life, uid));
    if (owners.length > 1) this.violations.push(`${owners.length} owners of ${uid}`);
  }

  /** Everything is over: nobody waits, nobody holds anything. */
  checkEnd(): void {
    for (const { what, life } of this.#pending) this.violations.push(`${what} of pod ${life.podIndex} never settled`);
    for (const { driver, podIndex } of this.#lives) {
      const { held, unverified } = driver.read();
      if (held !== 0 || unverified !== 0) this.violations.push(`pod ${podIndex} ended with ${held} held uids`);
    }
    for (const periods of this.#periods.values()) {
      for (const uid of periods.keys()) this.violations.push(`the period of ${uid} never ended`);
    }
  }

  #heard(life: LifeOfPod, periods: Map<string, OpenPeriod>, event: PeriodEvent): void {
    if (event.kind === "taken") this.#taken(life, periods, event.link);
    else {
      const signals = Array.from(periods.get(event.uid)?.signals ?? []);
      if (signals.some((signal) => !signal.aborted)) this.violations.push(`a period of ${event.uid} ended unsaid`);
      periods.delete(event.uid);
    }
  }

  #taken(life: LifeOfPod, periods: Map<string, OpenPeriod>, link: Link): void {
    const token = Number(link.token);
    const last = this.#newest.get(link.uid);
    // The same token twice: the same incarnation found its own link again.
    const grows = last === undefined || token > last.token || (token === last.token && last.life === life);
    if (!grows) this.violations.push(`token of ${link.uid}: ${last.token} -> ${token}`);
    this.#newest.set(link.uid, { token, life });
    if (periods.has(link.uid)) this.violations.push(`a period of ${link.uid} began within another`);
    periods.set(link.uid, { token, signals: new Set() });
  }

  /** Asked only where a period is on: it costs no I/O, and changes nothing that time alone doesn't. */
  #saysMine(life: LifeOfPod, uid: string): boolean {
    if (this.#periods.get(life)?.has(uid) !== true) return false;
    const answer = life.driver.guard(uid);
    if (!(answer instanceof Promise)) return answer.ok;
    answer.catch(() => undefined); // held by a hand-off: nobody is served meanwhile
    return false;
  }
}
