import type { Clock, Timer } from "@podlink/types";
import { Chain, Chained } from "./chain.ts";

/** How late a deadline may be, in milliseconds. */
const TICK_MS = 5;

class Deadline extends Chained implements Timer {
  readonly #run: () => void;
  readonly #bucket: Chain<Deadline>;
  #over = false;

  constructor(bucket: Chain<Deadline>, run: () => void) {
    super();
    this.#bucket = bucket;
    this.#run = run;
    bucket.add(this);
  }

  cancel(): void {
    this.#over = true;
    this.#bucket.delete(this);
  }

  pass(): void {
    if (this.#over) return;
    this.#over = true;
    this.#run();
  }
}

/**
 * All deadlines of an executor on one timer: a timer for each call costs several times the call. Deadlines of one tick
 * share a bucket, so that making and cancelling one is a step or two. A deadline passes only after one turn of the event
 * loop: what a process that was busy for longer finds in its sockets is read first, and counts.
 */
export class TimerWheel implements Pick<Clock, "nowMs" | "setTimer"> {
  readonly #clock: Clock;
  /** By the tick at whose end they are due. */
  readonly #buckets = new Map<number, Chain<Deadline>>();
  #armed: { readonly tick: number; readonly timer: Timer } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Runs once, not before `delayMs`, at most a tick and a turn of the loop later. */
  setTimer(delayMs: number, run: () => void): Timer {
    const tick = Math.ceil((this.#clock.nowMs() + delayMs) / TICK_MS);
    let bucket = this.#buckets.get(tick);
    if (bucket === undefined) {
      bucket = new Chain();
      this.#buckets.set(tick, bucket);
      if (this.#armed === undefined || tick < this.#armed.tick) this.#arm(tick);
    }
    return new Deadline(bucket, run);
  }

  /** Nothing that was asked for runs any more. */
  close(): void {
    this.#armed?.timer.cancel();
    this.#armed = undefined;
    for (const bucket of this.#buckets.values()) for (const deadline of bucket.toArray()) deadline.cancel();
    this.#buckets.clear();
  }

  #arm(tick: number): void {
    this.#armed?.timer.cancel();
    const delayMs = Math.max(0, tick * TICK_MS - this.#clock.nowMs());
    this.#armed = { tick, timer: this.#clock.setTimer(delayMs, () => this.#turn()) };
  }

  #turn(): void {
    this.#armed = undefined;
    const now = this.#clock.nowMs() / TICK_MS;
    const due: Deadline[][] = [];
    let next = Infinity;
    for (const [tick, bucket] of this.#buckets) {
      if (tick <= now || bucket.size === 0) {
        this.#buckets.delete(tick);
        due.push(bucket.toArray());
      } else next = Math.min(next, tick);
    }
    if (next < Infinity) this.#arm(next);
    if (due.length === 0) return;
    setImmediate(() => {
      for (const bucket of due) for (const deadline of bucket) deadline.pass();
    });
  }
}
