import { Latencies } from "./latencies.ts";
import type { Percentiles } from "./latencies.ts";
import type { Outcome } from "./outcome.ts";

/** How requests ended. `shed`: the bound of requests under way was reached, and it was not sent. */
export type RequestEnd = Outcome | "shed";

/** How many requests ended how: those that were due in some span of time, whenever they ended. */
export interface Counts {
  /** All of them: the sum of the following. */
  readonly due: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly failed: number;
  readonly shed: number;
  /** Not ended yet; 0 once the load has ended. */
  readonly underWay: number;
  /** Attempts after the first. */
  readonly retries: number;
}

/** The figures of a span of time. */
export interface Figures extends Counts {
  /** From when a request was due to its acknowledgement, repeats and waits included. Absent: none was acknowledged. */
  readonly acknowledgedAfter?: Percentiles;
  /** From when a request was due to its end, of those that were neither acknowledged nor shed. Absent: there were none. */
  readonly givenUpAfter?: Percentiles;
  /** How much later than due the generator itself came to a request. Absent: none was due. */
  readonly lateness?: Percentiles;
}

/** Counts requests while they come and end. */
export class RequestCounts {
  readonly #counts: Record<Exclude<keyof Counts, "underWay">, number> = {
    due: 0,
    acknowledged: 0,
    refused: 0,
    unknown: 0,
    failed: 0,
    shed: 0,
    retries: 0,
  };
  #underWay = 0;

  get underWay(): number {
    return this.#underWay;
  }

  get counts(): Counts {
    return { ...this.#counts, underWay: this.#underWay };
  }

  due(): void {
    this.#counts.due += 1;
    this.#underWay += 1;
  }

  retry(): void {
    this.#counts.retries += 1;
  }

  ended(end: RequestEnd): void {
    this.#counts[end] += 1;
    this.#underWay -= 1;
  }

  add(other: RequestCounts): void {
    for (const [name, count] of Object.entries(other.#counts)) this.#counts[name as RequestEnd] += count;
    this.#underWay += other.#underWay;
  }
}

/** Adds up figures while they come in. */
export class Tally {
  readonly #counts = new RequestCounts();
  readonly #acknowledged = new Latencies();
  readonly #givenUp = new Latencies();
  readonly #lateness = new Latencies();

  due(latenessMs: number): void {
    this.#counts.due();
    this.#lateness.record(latenessMs);
  }

  retry(): void {
    this.#counts.retry();
  }

  ended(end: RequestEnd, afterMs: number): void {
    this.#counts.ended(end);
    if (end === "acknowledged") this.#acknowledged.record(afterMs);
    else if (end !== "shed") this.#givenUp.record(afterMs);
  }

  add(other: Tally): void {
    this.#counts.add(other.#counts);
    this.#acknowledged.add(other.#acknowledged);
    this.#givenUp.add(other.#givenUp);
    this.#lateness.add(other.#lateness);
  }

  get figures(): Figures {
    const acknowledgedAfter = this.#acknowledged.percentiles;
    const givenUpAfter = this.#givenUp.percentiles;
    const lateness = this.#lateness.percentiles;
    return {
      ...this.#counts.counts,
      ...(acknowledgedAfter && { acknowledgedAfter }),
      ...(givenUpAfter && { givenUpAfter }),
      ...(lateness && { lateness }),
    };
  }
}
