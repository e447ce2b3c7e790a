import type {
  Heartbeat,
  HeartbeatResult,
  Leave,
  PodReading,
  PodRow,
  RegisterResult,
  Registration,
} from "@podlink/types";
import { leave } from "./leave.ts";
import type { ReadOptions } from "./read.ts";
import { read } from "./read.ts";
import { register } from "./register.ts";
import { report } from "./report.ts";
import type { PodStep, ServicePods } from "./service-pods.ts";
import { noPods } from "./service-pods.ts";

interface ServiceName {
  readonly namespace: string;
  readonly service: string;
}

export interface PodTableOptions {
  readonly overloadScore: number;
  readonly onPublished: (name: ServiceName, row: PodRow) => void;
  /** A process may have taken the place of another one: it found no row, or another's that was no goodbye. */
  readonly onSucceeded: (name: ServiceName, row: PodRow) => void;
}

/** The pods of all services. */
export class PodTable {
  readonly #options: PodTableOptions;
  readonly #services = new Map<string, ServicePods>();

  constructor(options: PodTableOptions) {
    this.#options = options;
  }

  /** How many rows there are, goodbyes included. */
  get rows(): number {
    let rows = 0;
    for (const { pods } of this.#services.values()) rows += pods.size;
    return rows;
  }

  register(registration: Registration, nowMs: number): RegisterResult {
    const key = keyOf(registration);
    const service = this.#services.get(key) ?? noPods();
    const step = register(service, registration, nowMs);
    if (service.pods.size > 0) this.#services.set(key, service);
    if (step.successor !== undefined) this.#options.onSucceeded(registration, step.successor);
    return this.#publish(registration, step);
  }

  report(heartbeat: Heartbeat, nowMs: number): HeartbeatResult {
    const { overloadScore } = this.#options;
    return this.#publish(heartbeat, report(this.#of(heartbeat), heartbeat, { nowMs, overloadScore }));
  }

  leave(name: Leave, nowMs: number): { readonly left: boolean } {
    return this.#publish(name, leave(this.#of(name), name, nowMs));
  }

  read(name: ServiceName, options: ReadOptions): PodReading {
    return read(this.#of(name), options);
  }

  clear(): void {
    this.#services.clear();
  }

  /** The pods of a service; asking for one that has none doesn't make it. */
  #of(name: ServiceName): ServicePods {
    return this.#services.get(keyOf(name)) ?? noPods();
  }

  #publish<R extends object>(name: ServiceName, { result, published }: PodStep<R>): R {
    if (published !== undefined) this.#options.onPublished(name, published);
    return Object.freeze(result);
  }
}

// Neither name has a "/", so no two pairs share a key.
function keyOf({ namespace, service }: ServiceName): string {
  return `${namespace}/${service}`;
}
