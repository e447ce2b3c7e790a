import type { PodChange, PodView, ServiceStateCache } from "@podlink/state-cache";
import type { Clock, Subscription, Timer } from "@podlink/types";
import { Listeners } from "@podlink/types";
import type { ResolvedClientDriverOptions } from "./options.ts";

/** A life of a pod that is over for its callers: what they still wait for from it they can give up. */
export interface PodEnd {
  readonly podIndex: number;
  /** This life of the pod is over, and every one before it. */
  readonly incarnation: number;
}

export interface PodEndingsParts {
  readonly pods: ServiceStateCache;
  readonly clock: Clock;
  readonly options: Pick<ResolvedClientDriverOptions, "failover" | "panicMs">;
}

/** How soon is looked again when nothing may be concluded yet: readings fail, or so many are silent that it is a panic. */
const LOOK_AGAIN_MS = 250;

/**
 * Tells when a life of a pod is over, by the same rules by which its owned links may be moved: not alive for the whole
 * grace, or followed by another life at another address. It makes no call, and has no timer while all pods are alive.
 */
export class PodEndings {
  readonly #parts: PodEndingsParts;
  readonly #listeners = new Listeners<PodEnd>();
  readonly #timers = new Map<number, Timer>();
  #changes: Subscription | undefined;

  constructor(parts: PodEndingsParts) {
    this.#parts = parts;
  }

  listen(hear: (end: PodEnd) => void): Subscription {
    this.#changes ??= this.#parts.pods.onChange((change) => this.#changed(change));
    return this.#listeners.add(hear);
  }

  close(): void {
    this.#changes?.close();
    this.#listeners.clear();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #changed({ podIndex, previous, current }: PodChange): void {
    this.#timers.get(podIndex)?.cancel();
    this.#timers.delete(podIndex);
    if (previous !== undefined && isElsewhere(previous, current)) {
      this.#listeners.emit({ podIndex, incarnation: previous.row.incarnation });
    }
    if (!current.alive) this.#lookIn(this.#parts.options.failover.graceMs, podIndex, current.row.incarnation);
  }

  #lookIn(ms: number, podIndex: number, incarnation: number): void {
    const look = (): void => {
      this.#timers.delete(podIndex);
      this.#look(podIndex, incarnation);
    };
    this.#timers.set(podIndex, this.#parts.clock.setTimer(ms, look));
  }

  #look(podIndex: number, incarnation: number): void {
    const { pods, options } = this.#parts;
    const pod = pods.pod(podIndex);
    const hasLeft = pod?.goodbye === true || pod?.row.serviceState === "Failed";
    // Silence: what keeps its users where they are keeps those waiting who have asked it something.
    if (!hasLeft && options.failover.mode === "never") return;
    if (!hasLeft && this.#mayMoveNobody()) this.#lookIn(LOOK_AGAIN_MS, podIndex, incarnation);
    else this.#listeners.emit({ podIndex, incarnation });
  }

  #mayMoveNobody(): boolean {
    const { pods, clock, options } = this.#parts;
    const nowMs = clock.nowMs();
    if (nowMs < (pods.ownedFrozenUntilMs ?? Number.POSITIVE_INFINITY)) return true;
    const panicSinceMs = pods.panicSinceMs();
    return panicSinceMs !== undefined && (nowMs < panicSinceMs + options.panicMs || pods.alivePods().length === 0);
  }
}

/**
 * Another process has the pod's identity. A life that follows at the same address is as a rule the same process, which
 * registered again and may still answer; if it isn't, the old one's connections have ended by themselves.
 */
function isElsewhere({ row: before }: PodView, { row: now }: PodView): boolean {
  if (now.incarnation <= before.incarnation) return false;
  return now.address?.host !== before.address?.host || now.address?.httpPort !== before.address?.httpPort;
}
