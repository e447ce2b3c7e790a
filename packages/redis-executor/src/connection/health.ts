import type { Logger, StoreEvent, StoreHealth, Subscription } from "@podlink/types";
import { Listeners } from "@podlink/types";

const HEALTHY: StoreHealth = Object.freeze({ healthy: true });

/** How the store is, as last known, and which life of it answers; tells whoever listens. */
export class Health {
  readonly #listeners: Listeners<StoreEvent>;
  readonly #logger: Logger;
  #health: StoreHealth = Object.freeze({ healthy: false, reason: "not connected yet" });
  #epoch = 1;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#listeners = new Listeners(logger);
  }

  get now(): StoreHealth {
    return this.#health;
  }

  get epoch(): number {
    return this.#epoch;
  }

  watch(listener: (event: StoreEvent) => void): Subscription {
    return this.#listeners.add(listener);
  }

  up(): void {
    if (!this.#health.healthy) this.#set(HEALTHY);
  }

  /** A later reason takes the place of an earlier one; it is told when the store was healthy. */
  down(reason: string): void {
    const health = Object.freeze({ healthy: false, reason });
    if (this.#health.healthy) this.#set(health);
    else this.#health = health;
  }

  newEpoch(): void {
    this.#epoch += 1;
    this.#logger.warn({ code: "PODLINK_REDIS_EPOCH", epoch: this.#epoch }, "another server answers: data may be gone");
    this.#listeners.emit(Object.freeze({ kind: "epoch", epoch: this.#epoch }));
  }

  /** Nobody hears anything any more. */
  close(): void {
    this.#listeners.clear();
    this.#health = Object.freeze({ healthy: false, reason: "closed" });
  }

  #set(health: StoreHealth): void {
    this.#health = health;
    if (health.healthy) this.#logger.info({}, "Redis answers");
    else this.#logger.warn({ code: "PODLINK_REDIS_DOWN", reason: health.reason }, "Redis does not answer");
    this.#listeners.emit(Object.freeze({ kind: "health", health }));
  }
}
