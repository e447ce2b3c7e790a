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

/** When links of one service may be moved: the panic, the pace, and the readings that confirm a silence. */
export class Failover {
  readonly #parts: FailoverParts;
  readonly #confirmations = new Map<number, { readonly momentMs: number; readonly timer: Timer }>();
  #panicSinceMs: number | undefined;
  #panicReadAtMs = Number.NEGATIVE_INFINITY;
  #panicActive = false;
  #closed = false;

  constructor(parts: FailoverParts) {
    this.#parts = parts;
  }

  /** Undefined: go on. Else: how long nothing may be moved, in milliseconds. */
  permit(podIndex: number, verdict: { readonly reason: ReplaceReason; readonly paced: boolean }): number | undefined {
    const { pace, counters } = this.#parts;
    const sinceMs = this.#panicSince(podIndex);
    const heldForMs = this.#heldForMs(sinceMs);
    if (heldForMs > 0) {
      counters.panicHeld += 1;
      return heldForMs;
    }
    if (!verdict.paced && sinceMs === undefined) return undefined;
    const retryAfterMs = pace.take();
    if (retryAfterMs !== undefined) counters.pacedOut += 1;
    return retryAfterMs;
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
    for (const { timer } of this.#confirmations.values()) timer.cancel();
    this.#confirmations.clear();
  }

  /** After panicMs it goes on, if there is a pod that reports; without one there is none to move to either. */
  #heldForMs(panicSinceMs: number | undefined): number {
    const { clock, options } = this.#parts;
    return panicSinceMs === undefined ? 0 : Math.max(0, panicSinceMs + options.panicMs - clock.nowMs());
  }

  #panicSince(podIndex: number): number | undefined {
    const { clock, pods, observer, namespace, service } = this.#parts;
    const nowMs = clock.nowMs();
    if (nowMs - this.#panicReadAtMs < PANIC_KNOWN_FOR_MS) return this.#panicSinceMs;
    this.#panicReadAtMs = nowMs;
    this.#panicSinceMs = pods.panicSinceMs();
    const active = this.#heldForMs(this.#panicSinceMs) > 0;
    if (active !== this.#panicActive) {
      this.#panicActive = active;
      observer?.event({ kind: "panic", namespace, service, podIndex, active });
    }
    return this.#panicSinceMs;
  }
}
