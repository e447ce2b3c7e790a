import type { Entry, EndReason, GuardRequest, HandOff, PeriodEvent, Refused } from "@podlink/server-driver";
import type { Link, RemoveResult, Subscription } from "@podlink/types";
import { Listeners, makeLink } from "@podlink/types";
import type { SessionHost } from "../src/index.ts";

interface Period {
  readonly link: Link;
  readonly over: AbortController;
}

/** A pod's side as sessions see it, moved by hand: which uids it holds, when periods end, what the guard refuses. */
export class FakePod implements SessionHost {
  state: SessionHost["state"] = { phase: "running", serviceState: "Ready", routingState: "Ready" };
  /** What the guard answers instead of letting in. Absent: it lets everybody in. */
  refuses: Refused | undefined;
  /** What a claim above a floor answers instead. */
  refusesClaims: Refused | undefined;
  readonly requests: GuardRequest[] = [];
  readonly claims: string[] = [];
  readonly removed: [uid: string, graceMs: number][] = [];
  running = 0;
  /** Called when a link is removed, before the removal is done. */
  whileRemoving: (() => Promise<void> | void) | undefined;
  readonly #periods = new Map<string, Period>();
  readonly #events = new Listeners<PeriodEvent>();
  readonly #handOffs = new Set<HandOff>();
  #token = 100;

  enter(uid: string, request: GuardRequest = {}): Entry {
    this.requests.push(request);
    if (this.refuses !== undefined) return this.refuses;
    const { link, over } = this.#periods.get(uid) ?? this.#take(uid);
    let left = false;
    this.running += 1;
    const leave = (): void => {
      if (!left) this.running -= 1;
      left = true;
    };
    return { ok: true, link, signal: over.signal, leave, run: (fn) => fn() };
  }

  claimAgain: SessionHost["claimAgain"] = async (uid, tokenFloor) => {
    this.claims.push(tokenFloor);
    if (this.refusesClaims !== undefined) {
      this.end(uid, "lost");
      return this.refusesClaims;
    }
    this.end(uid, "superseded");
    this.#token = Math.max(this.#token, Number(tokenFloor));
    const { link, over } = this.#take(uid);
    return { ok: true, link, signal: over.signal };
  };

  removeLinkedPod: SessionHost["removeLinkedPod"] = async (uid, graceMs): Promise<RemoveResult> => {
    this.removed.push([uid, graceMs]);
    this.end(uid, "released");
    await this.whileRemoving?.();
    return { removed: true };
  };

  onPeriod: SessionHost["onPeriod"] = (listener) => this.#events.add(listener);

  onHandOff: SessionHost["onHandOff"] = (fn): Subscription => {
    this.#handOffs.add(fn);
    return { close: () => void this.#handOffs.delete(fn) };
  };

  get listeners(): number {
    return this.#events.size + this.#handOffs.size;
  }

  tokenOf(uid: string): string | undefined {
    return this.#periods.get(uid)?.link.token;
  }

  /** The period of the uid ends; the next one who is let in has a new token. */
  end(uid: string, reason: EndReason): void {
    const period = this.#periods.get(uid);
    if (period === undefined) return;
    this.#periods.delete(uid);
    period.over.abort();
    this.#events.emit({ kind: "ended", uid, reason });
  }

  /** As a drain: saves, then the link moves. */
  async handOff(uid: string): Promise<void> {
    const period = this.#periods.get(uid);
    if (period === undefined) return;
    for (const fn of this.#handOffs) await fn(uid, period.link);
    this.end(uid, "handed-off");
  }

  #take(uid: string): Period {
    this.#token += 1;
    const parts = { namespace: "test", service: "room", uid, podIndex: 0, incarnation: 7, token: String(this.#token) };
    const period = { link: makeLink({ ...parts, kind: "owned" }), over: new AbortController() };
    this.#periods.set(uid, period);
    this.#events.emit({ kind: "taken", uid, link: period.link });
    return period;
  }
}
