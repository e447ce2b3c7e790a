import type { CallOptions, Catalogue, Figures, WorkloadState } from "@podlink/types";
import {
  checkDurationMs,
  checkItems,
  checkNamespace,
  checkService,
  checkTag,
  checkWorkloadState,
  namespaceKey,
  serviceKey,
} from "@podlink/types";
import { answered } from "./answered.ts";
import type { PodParts } from "./parts.ts";

/** How many states one MGET asks for, and how many of those are on the way at once. */
const KEYS_A_COMMAND = 128;
const COMMANDS_AT_ONCE = 64;

/** Service tags, one hash a namespace, and workload states, a key with a ttl each. */
export class RedisCatalogue implements Catalogue {
  readonly #parts: PodParts;
  #broken = 0;

  constructor(parts: PodParts) {
    this.#parts = parts;
  }

  async setServiceTag(namespace: string, tag: string, service: string, call?: CallOptions): Promise<void> {
    const key = this.#tagsKey(namespace);
    const field = checkTag(tag);
    checkService(service);
    await this.#ask({ what: "setting a service tag", call, outcome: "unknown" }, () =>
      this.#parts.connection.command(key, "HSET", field, service),
    );
  }

  async serviceByTag(namespace: string, tag: string, call?: CallOptions): Promise<string | undefined> {
    const key = this.#tagsKey(namespace);
    const field = checkTag(tag);
    const service = await this.#ask({ what: "reading a service tag", call }, () =>
      this.#parts.connection.command(key, "HGET", field),
    );
    return this.#stored(service, checkService);
  }

  async setWorkloadState(
    namespace: string,
    service: string,
    state: WorkloadState,
    ttlMs: number,
    call?: CallOptions,
  ): Promise<void> {
    const key = this.#workloadKey(checkNamespace(namespace), checkService(service));
    checkWorkloadState(state);
    checkDurationMs(ttlMs, "ttlMs", 1);
    await this.#ask({ what: `setting the workload state of ${namespace}/${service}`, call, outcome: "unknown" }, () =>
      this.#parts.connection.command(key, "SET", state, "PX", ttlMs),
    );
  }

  async workloadStates(
    namespace: string,
    services: readonly string[],
    call?: CallOptions,
  ): Promise<Map<string, WorkloadState>> {
    checkNamespace(namespace);
    for (const service of checkItems(services, "services")) checkService(service);
    return this.#ask({ what: `reading workload states of ${namespace}`, call }, async (waits) => {
      const batches = this.#batchesOf(namespace, services);
      const states = new Map<string, WorkloadState>();
      while (batches.length > 0 && waits()) {
        const replies = batches.splice(0, COMMANDS_AT_ONCE).map((batch) => this.#read(namespace, batch, states));
        await Promise.all(replies);
      }
      return states;
    });
  }

  /** How many values were found that are none of ours. */
  read(): Figures {
    return { catalogueBroken: this.#broken };
  }

  async #read(namespace: string, services: readonly string[], states: Map<string, WorkloadState>): Promise<void> {
    const [key = "", ...more] = services.map((service) => this.#workloadKey(namespace, service));
    const found = await this.#parts.connection.command(key, "MGET", ...more);
    for (const [index, service] of services.entries()) {
      const state = this.#stored(Array.isArray(found) ? found[index] : undefined, checkWorkloadState);
      if (state !== undefined) states.set(service, state);
    }
  }

  /** Services whose states one command can ask for. */
  #batchesOf(namespace: string, services: readonly string[]): string[][] {
    const batches: string[][] = [];
    const open = new Map<number, string[]>();
    for (const service of new Set(services)) {
      const group = this.#parts.connection.groupOf(this.#workloadKey(namespace, service));
      let batch = open.get(group);
      if (batch === undefined || batch.length === KEYS_A_COMMAND) {
        batch = [];
        open.set(group, batch);
        batches.push(batch);
      }
      batch.push(service);
    }
    return batches;
  }

  #tagsKey(namespace: string): string {
    return namespaceKey(this.#parts.prefix, checkNamespace(namespace), "tags");
  }

  #workloadKey(namespace: string, service: string): string {
    return serviceKey(this.#parts.prefix, namespace, service, "workload");
  }

  /** What is stored, if it is a value of ours; anything else counts as absent. */
  #stored<T extends string>(value: unknown, check: (value: T) => T): T | undefined {
    if (typeof value !== "string") return undefined;
    try {
      return check(value as T);
    } catch {
      this.#broken += 1;
      return undefined;
    }
  }

  #ask<T>(
    { call, ...rest }: { what: string; call: CallOptions | undefined; outcome?: "unknown" },
    work: (waits: () => boolean) => Promise<T>,
  ): Promise<T> {
    return answered({ ...rest, call }, this.#parts, work);
  }
}
