import type { Logger } from "../ports/logger.ts";
import { silentLogger } from "../ports/logger.ts";
import type { Subscription } from "../ports/subscription.ts";

/** Listeners that can't harm one another: each hears every event, in order; what one throws is logged. */
export class Listeners<E> {
  readonly #listeners = new Set<{ readonly hear: (event: E) => void }>();
  readonly #logger: Logger;

  constructor(logger: Logger = silentLogger) {
    this.#logger = logger;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** The same function added twice is heard twice. */
  add(hear: (event: E) => void): Subscription {
    const entry = { hear };
    this.#listeners.add(entry);
    return { close: () => void this.#listeners.delete(entry) };
  }

  /** Calls every listener that was there when the event happened. */
  emit(event: E): void {
    for (const entry of Array.from(this.#listeners)) {
      if (!this.#listeners.has(entry)) continue; // ended by a listener before it
      try {
        entry.hear(event);
      } catch (error) {
        this.#logger.error({ error: error instanceof Error ? error.message : String(error) }, "a listener threw");
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
