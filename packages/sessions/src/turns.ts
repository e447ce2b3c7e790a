import { defer } from "@podlink/types";

/** A place in the queue. */
export interface Place {
  /** Resolves when it is this one's turn; rejects when everybody is sent away. */
  readonly ready: Promise<void>;
  /** Gives the place up; a turn that had just come goes to the next. */
  readonly leave: () => void;
}

/** One at a time, in the order of arrival. */
export class Turns {
  #taken: boolean;
  /** A set keeps the order and lets one leave from the middle at no cost. */
  readonly #queue = new Set<{ readonly go: () => void; readonly refuse: (cause: unknown) => void }>();

  constructor(options: { readonly taken: boolean }) {
    this.#taken = options.taken;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Takes the turn if nobody has it. */
  tryTake(): boolean {
    if (this.#taken) return false;
    this.#taken = true;
    return true;
  }

  /** Waits for the turn behind all who wait. */
  join(): Place {
    const { promise, resolve, reject } = defer<void>();
    let granted = false;
    const place = {
      go: () => {
        granted = true;
        resolve();
      },
      refuse: reject,
    };
    this.#queue.add(place);
    const leave = (): void => {
      if (granted) this.done();
      else this.#queue.delete(place);
    };
    return { ready: promise, leave };
  }

  /** Ends a turn: the next one has it. */
  done(): void {
    for (const next of this.#queue) {
      this.#queue.delete(next);
      next.go();
      return;
    }
    this.#taken = false;
  }

  /** Sends everybody away who waits. */
  refuseAll(cause: unknown): void {
    const waiting = Array.from(this.#queue);
    this.#queue.clear();
    for (const place of waiting) place.refuse(cause);
  }
}
