import type { Logger, Subscription } from "@podlink/types";
import { Listeners } from "@podlink/types";

/**
 * Listeners by name. What is pushed arrives after the call that caused it has returned, in order, as from a store
 * across a network: a listener never runs inside its own caller.
 */
export class Pushes<E> {
  readonly #logger: Logger;
  readonly #named = new Map<string, Listeners<E>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, listener: (event: E) => void): Subscription {
    const listeners = this.#named.get(name) ?? new Listeners<E>(this.#logger);
    this.#named.set(name, listeners);
    const subscription = listeners.add(listener);
    return {
      close: () => {
        subscription.close();
        if (listeners.size === 0 && this.#named.get(name) === listeners) this.#named.delete(name);
      },
    };
  }

  push(name: string, event: E): void {
    const listeners = this.#named.get(name);
    if (listeners !== undefined) queueMicrotask(() => listeners.emit(event));
  }

  pushToAll(event: E): void {
    for (const name of this.#named.keys()) this.push(name, event);
  }

  clear(): void {
    for (const listeners of this.#named.values()) listeners.clear();
    this.#named.clear();
  }
}
