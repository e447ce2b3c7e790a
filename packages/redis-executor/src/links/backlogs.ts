import type { Clock, Timer } from "@podlink/types";
import type { PendingOp } from "./pending-op.ts";
import { callKindOf } from "./runs.ts";

/** The longest pause before a first try, doubled for each one after it up to the second figure. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

/** How long to wait before a try that so many have failed before: with full jitter. */
export const pauseMs = (tries: number): number =>
  Math.random() * Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);

export interface BacklogsOptions {
  readonly clock: Pick<Clock, "setTimer">;
  /** Whether the store is there at all. */
  readonly isHealthy: () => boolean;
  /** Gets those that go on. */
  readonly ask: (ops: readonly PendingOp[]) => void;
  /** Gets those that have no caller any more. */
  readonly drop: (pending: PendingOp) => void;
  /** Gets those that nobody waits for, as the store is away. */
  readonly refuse: (ops: readonly PendingOp[]) => void;
}

/** Operations that travel in the same calls, and whose calls are refused. */
interface Backlog {
  readonly kind: number;
  ops: PendingOp[];
  tries: number;
  /** The one that tries. */
  probe: PendingOp | undefined;
  /** Until another one tries. */
  pause: Timer | undefined;
}

/**
 * Operations that Redis refuses to carry out for now: it is loading, lacks replicas, does not serve their slot. All that
 * travel in the same calls wait together: one of them tries, after pauses that grow, and once it is answered all go on
 * together. However many wait, there is one try a pause.
 */
export class Backlogs {
  readonly #options: BacklogsOptions;
  readonly #byCallKind = new Map<number, Backlog>();

  constructor(options: BacklogsOptions) {
    this.#options = options;
  }

  /** Takes operations of one kind of call that was refused. */
  add(ops: readonly PendingOp[]): void {
    const kind = callKindOf(ops[0] as PendingOp);
    let backlog = this.#byCallKind.get(kind);
    if (backlog === undefined) {
      backlog = { kind, ops: [], tries: 0, probe: undefined, pause: undefined };
      this.#byCallKind.set(kind, backlog);
    }
    for (const pending of ops) {
      pending.tries += 1;
      pending.isAlone = false;
      backlog.tries = Math.max(backlog.tries, pending.tries);
      backlog.ops.push(pending);
      if (backlog.probe !== pending) continue;
      backlog.probe = undefined;
      backlog.tries += 1; // another one tries each time
    }
    this.#later(backlog);
  }

  /** What became of an operation is known, or it goes another way: if it was the one that tries, another one does. */
  left(pending: PendingOp): void {
    if (this.#byCallKind.size === 0) return;
    const backlog = this.#byCallKind.get(callKindOf(pending));
    if (backlog?.probe !== pending) return;
    backlog.probe = undefined;
    this.#later(backlog);
  }

  /** A call of this kind was answered: all go on. */
  answered(kind: number): void {
    const backlog = this.#byCallKind.get(kind);
    if (backlog === undefined) return;
    this.#end(backlog);
    this.#options.ask(backlog.ops);
  }

  /** Gives up all that wait. */
  close(): PendingOp[] {
    const ops = Array.from(this.#byCallKind.values()).flatMap((backlog) => backlog.ops);
    for (const backlog of this.#byCallKind.values()) this.#end(backlog);
    return ops;
  }

  #later(backlog: Backlog): void {
    if (backlog.pause !== undefined || backlog.probe !== undefined) return;
    backlog.pause = this.#options.clock.setTimer(pauseMs(backlog.tries), () => this.#try(backlog));
  }

  #try(backlog: Backlog): void {
    const { isHealthy, ask, drop, refuse } = this.#options;
    backlog.pause = undefined;
    const gone = backlog.ops.filter(({ isSettled }) => isSettled);
    backlog.ops = backlog.ops.filter(({ isSettled }) => !isSettled);
    const [probe] = backlog.ops;
    if (probe === undefined || !isHealthy()) {
      this.#end(backlog);
      refuse(backlog.ops);
    } else {
      backlog.ops.shift();
      backlog.probe = probe;
      probe.isAlone = true;
      ask([probe]);
    }
    for (const pending of gone) drop(pending);
  }

  #end({ kind, pause }: Backlog): void {
    pause?.cancel();
    this.#byCallKind.delete(kind);
  }
}
