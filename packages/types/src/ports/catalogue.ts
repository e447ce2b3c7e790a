import type { WorkloadState } from "../pod.ts";
import type { CallOptions } from "./call-options.ts";

/** Service tags and workload states: plain values by name. */
export interface Catalogue {
  /** Names the service that a tag of the namespace stands for. Writers of different tags never disturb one another. */
  setServiceTag(namespace: string, tag: string, service: string, call?: CallOptions): Promise<void>;
  /** The service that a tag stands for. Absent: no such tag. */
  serviceByTag(namespace: string, tag: string, call?: CallOptions): Promise<string | undefined>;

  /** Keeps the state of a service for `ttlMs`. */
  setWorkloadState(
    namespace: string,
    service: string,
    state: WorkloadState,
    ttlMs: number,
    call?: CallOptions,
  ): Promise<void>;
  /** The states of up to 10,000 services; one without a live state is absent. */
  workloadStates(
    namespace: string,
    services: readonly string[],
    call?: CallOptions,
  ): Promise<Map<string, WorkloadState>>;
}
