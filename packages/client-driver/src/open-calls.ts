import type { Clock, DeadlineOptions } from "@podlink/types";
import { defer, RouteError, withDeadline } from "@podlink/types";

/** The waits that are under way: each ends at its deadline, at its caller's signal or when the driver is closed. */
export class OpenCalls {
  readonly #clock: Clock;
  readonly #waiting = new Set<(error: RouteError) => void>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many waits there are. */
  get size(): number {
    return this.#waiting.size;
  }

  /** @throws RouteError CLOSED */
  checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  /** Waits for the work, and no longer than the call allows. The work itself goes on. */
  async wait<T>(work: () => Promise<T>, options: Omit<DeadlineOptions, "clock">): Promise<T> {
    this.checkOpen();
    const { promise, resolve, reject } = defer<T>();
    this.#waiting.add(reject);
    try {
      const answer = withDeadline(promise, { ...options, clock: this.#clock }); // refuses a bad wait before anything is sent
      started(work).then(resolve, reject);
      return await answer;
    } finally {
      this.#waiting.delete(reject);
    }
  }

  /** Ends all waits with CLOSED. Idempotent. */
  close(): void {
    this.#closed = true;
    const waiting = Array.from(this.#waiting);
    this.#waiting.clear();
    for (const reject of waiting) reject(closedError());
  }
}

/** The work, whose throwing at once is a rejection too. */
async function started<T>(work: () => Promise<T>): Promise<T> {
  return work();
}

function closedError(): RouteError {
  return new RouteError("CLOSED", "the client driver is closed");
}
