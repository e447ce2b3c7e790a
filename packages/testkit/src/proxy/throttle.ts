import type { Plan } from "./plan.ts";
import type { Rule } from "./rule.ts";

/** A throttled stream flows in pieces of a fiftieth of a second, not in a chunk a while. */
const PIECES_PER_SECOND = 50;

/** When a rule lets something pass. */
export interface Hold {
  readonly rule: Rule;
  readonly untilMs: number;
}

/** When a stream is free again, under each rule that throttles it. */
export class Throttle {
  readonly #freeAtMs = new WeakMap<Rule, number>();

  /** How much of a chunk is sent at once. */
  static pieceBytes(throttles: Plan["throttles"]): number {
    const sizes = throttles.map(({ bytesPerSecond }) => Math.max(1, Math.floor(bytesPerSecond / PIECES_PER_SECOND)));
    return Math.min(Number.POSITIVE_INFINITY, ...sizes);
  }

  /** A piece has been sent when its last byte has: nothing is saved up while nothing flows. */
  take(throttles: Plan["throttles"], bytes: number, nowMs: number): Hold[] {
    return throttles.map(({ rule, bytesPerSecond }) => {
      const untilMs = Math.max(nowMs, this.#freeAtMs.get(rule) ?? nowMs) + (bytes * 1000) / bytesPerSecond;
      this.#freeAtMs.set(rule, untilMs);
      return { rule, untilMs };
    });
  }
}
