import type { ServiceStateCache } from "@podlink/state-cache";
import type { Clock, ReplaceReason, RouteObserver, Timer } from "@podlink/types";
import type { Counters } from "./counters.ts";
import type { ResolvedClientDriverOptions } from "./options.ts";
import type { Pace } from "./pace.ts";

export interface FailoverParts {
  readonly namespace: string;
  readonly service: string;
  readonly pods: ServiceStateCache;
  /** Shared by all services of the caller. */
  readonly pace: Pace;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly observer: RouteObserver | undefined;
  readonly options: ResolvedClientDriverOptions;
}

/** The panic is worked out from all pods: not for every one of thousands of waiting users. */
const PANIC_KNOWN_FOR_MS = 50;
/** How often it is looked whether a panic is over, so that its end is told although nobody asks any more. */
const PANIC_LOOK_MS = 250;

/** When links of one service may be moved: the panic, the pace, and the readings that confirm a silence. */
export class Failover {
  readonly #parts: FailoverParts;
  readonly #confirmations = new Map<number, { readonly momentMs: number; readonly timer: Timer }>();
  #panicSinceMs: number | undefined;
  #panicReadAtMs = Number.NEGATIVE_INFINITY;
  #panicActive = false;
  #panicTimer: Timer | undefined;
  #closed = false;

  constructor(parts: FailoverParts) {
    this.#parts = parts;
  }

  /** Undefined: go on. Else: how long nothing may be moved, in milliseconds. */
  permit(podIndex: number, verdict: { readonly reason: ReplaceReason; readonly paced: boolean }): number | undefined {
    const { pace, counters } = this.#parts;
    const sinceMs = this.#panicSince();
    const heldForMs = this.#heldForMs(sinceMs);
    if (heldForMs > 0) {
      counters.panicHeld += 1;
      this.#refused(podIndex, "panic");
      return heldForMs;
    }
    if (!verdict.paced && sinceMs === undefined) return undefined;
    const retryAfterMs = pace.take();
    if (retryAfterMs === undefined) return undefined;
    counters.pacedOut += 1;
    this.#refused(podIndex, "pace");
    return retryAfterMs;
  }

  /** How long a panic holds back every move from now on, in ms. 0: there is none; Infinity: while readings fail. */
  heldForMs(): number {
    return this.#heldForMs(this.#parts.pods.panicSinceMs());
  }

  /** Somebody's link can't be moved yet: whether that is a panic is told now, not when it could be moved. */
  look(): void {
    this.#panicSince();
  }

  /** Reads the pods at that moment, so that the first user after it is moved at once. */
  confirmAt(podIndex: number, momentMs: number): void {
    const planned = this.#confirmations.get(podIndex);
    if (this.#closed || (planned !== undefined && planned.momentMs <= momentMs)) return;
    planned?.timer.cancel();
    const { clock, pods, options } = this.#parts;
    const timer = clock.setTimer(Math.max(0, momentMs - clock.nowMs()), () => {
      this.#confirmations.delete(podIndex);
      // Failing is no harm: whoever needs the reading makes one.
      pods.refresh({ timeoutMs: options.commandTimeoutMs }).catch(() => undefined);
    });
    this.#confirmations.set(podIndex, { momentMs, timer });
  }

  close(): void {
    this.#closed = true;
    this.#panicTimer?.cancel();
    for (const { timer } of this.#confirmations.values()) timer.cancel();
    this.#confirmations.clear();
  }

  /** After panicMs it goes on, if there is a pod that reports; without one there is none to move to either. */
  #heldForMs(panicSinceMs: number | undefined): number {
    const { clock, options } = this.#parts;
    return panicSinceMs === undefined ? 0 : Math.max(0, panicSinceMs + options.panicMs - clock.nowMs());
  }

  #panicSince(): number | undefined {
    const { clock, pods } = this.#parts;
    const nowMs = clock.nowMs();
    if (nowMs - this.#panicReadAtMs < PANIC_KNOWN_FOR_MS) return this.#panicSinceMs;
    this.#panicReadAtMs = nowMs;
    this.#panicSinceMs = pods.panicSinceMs();
    this.#tellPanic(this.#heldForMs(this.#panicSinceMs));
    return this.#panicSinceMs;
  }

  /** Its beginning is told to whom it holds back first, its end when it ends: once each. */
  #tellPanic(heldForMs: number): void {
    const { clock, observer, counters, namespace, service } = this.#parts;
    const active = heldForMs > 0;
    if (active !== this.#panicActive) {
      this.#panicActive = active;
      if (active) counters.panics += 1;
      observer?.event({ kind: "panic", namespace, service, active });
    }
    this.#panicTimer?.cancel();
    if (!active || this.#closed) return;
    this.#panicTimer = clock.setTimer(Math.min(heldForMs, PANIC_LOOK_MS), () => this.#tellPanic(this.heldForMs()));
  }

  #refused(podIndex: number, because: "pace" | "panic"): void {
    const { observer, namespace, service } = this.#parts;
    observer?.event({ kind: "move-refused", namespace, service, podIndex, because });
  }
}
