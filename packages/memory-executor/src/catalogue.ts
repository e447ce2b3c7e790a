import type { WorkloadState } from "@podlink/types";
import { BoundedSweep } from "./bounded-sweep.ts";

interface KeptState {
  readonly state: WorkloadState;
  readonly expiresAtMs: number;
}

/** Service tags and workload states. */
export class CatalogueTable {
  readonly #tags = new Map<string, string>();
  readonly #states = new Map<string, KeptState>();
  readonly #sweep = new BoundedSweep(this.#states, (key, kept, nowMs) => {
    if (kept.expiresAtMs <= nowMs) this.#states.delete(key);
  });

  /** How many workload states there are, those not yet swept included. */
  get stateCount(): number {
    return this.#states.size;
  }

  setTag(namespace: string, tag: string, service: string): void {
    this.#tags.set(keyOf(namespace, tag), service);
  }

  serviceByTag(namespace: string, tag: string): string | undefined {
    return this.#tags.get(keyOf(namespace, tag));
  }

  setState(namespace: string, service: string, kept: KeptState, nowMs: number): void {
    this.#states.set(keyOf(namespace, service), kept);
    this.#sweep.afterWrite(nowMs);
  }

  states(namespace: string, services: readonly string[], nowMs: number): Map<string, WorkloadState> {
    const live = new Map<string, WorkloadState>();
    for (const service of services) {
      const kept = this.#states.get(keyOf(namespace, service));
      if (kept !== undefined && nowMs < kept.expiresAtMs) live.set(service, kept.state);
    }
    return live;
  }

  clear(): void {
    this.#tags.clear();
    this.#states.clear();
  }
}

// A namespace has no "/", so no two pairs share a key.
function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
