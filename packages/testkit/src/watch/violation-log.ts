import type { Subscription } from "@podlink/types";
import { Listeners } from "@podlink/types";
import type { Violation } from "./violation.ts";

/** So many stand in the message of an error. */
const SHOWN = 20;

/** What was found, the first of it kept. */
export class ViolationLog {
  readonly #limit: number;
  readonly #kept: Violation[] = [];
  readonly #listeners = new Listeners<Violation>();
  #count = 0;

  /** @param limit so many are kept; the others are heard and counted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get kept(): readonly Violation[] {
    return this.#kept;
  }

  get count(): number {
    return this.#count;
  }

  add(violation: Violation): void {
    this.#count += 1;
    if (this.#kept.length < this.#limit) this.#kept.push(violation);
    this.#listeners.emit(violation);
  }

  onViolation(listener: (violation: Violation) => void): Subscription {
    return this.#listeners.add(listener);
  }
}

/** An invariant did not hold, or a watcher that was expected to see something saw too little. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
  /** Those that were kept. */
  readonly violations: readonly Violation[];
  /** Of each watcher that saw too little, in words. */
  readonly unseen: readonly string[];

  constructor(log: ViolationLog, unseen: readonly string[]) {
    const lines = log.kept.slice(0, SHOWN).map(({ invariant, message }) => `${invariant}: ${message}`);
    const more = log.count - lines.length;
    if (more > 0) lines.push(`and ${more} more`);
    super([...lines, ...unseen].join("\n"));
    this.violations = Object.freeze(Array.from(log.kept));
    this.unseen = unseen;
  }
}
