import type { Clock, Timer } from "@podlink/types";

/** Calls `look` again and again, one run at a time, while there is something to look at: one timer for everything. */
export class Sweep {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #look: () => Promise<boolean>;
  #timer: Timer | undefined;
  #running = false;
  #closed = false;

  /** @param look settles with whether there is more to look at later; never rejects. */
  constructor(clock: Clock, everyMs: number, look: () => Promise<boolean>) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#look = look;
  }

  /** Something came that must be looked at. */
  start(): void {
    if (this.#closed || this.#running || this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimer(this.#everyMs, () => void this.#run());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#running = true;
    const more = await this.#look();
    this.#running = false;
    if (more) this.start();
  }
}

/** Runs `work` over the items, so many at a time. `work` never rejects. */
export async function forEachAtOnce<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
