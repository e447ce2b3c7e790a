import type { WorkloadState } from "@podlink/types";
import { workloadStateOf } from "@podlink/types";
import type { PodContext } from "./context.ts";
import type { OtherPods, Peer } from "./peers.ts";

/** This pod as it says of itself right now: more up to date than any reading. */
export interface Self {
  readonly alive: boolean;
  readonly available: boolean;
}

/** The workload state to write, or undefined when another pod writes it: of the pods alive, the lowest does. */
function workloadToWrite(
  podIndex: number,
  self: Self,
  pods: readonly Peer[],
  minReady: number,
): WorkloadState | undefined {
  if (!self.alive) return undefined;
  let alive = 1;
  let available = self.available ? 1 : 0;
  for (const pod of pods) {
    if (pod.row.podIndex === podIndex || !pod.alive) continue;
    if (pod.row.podIndex < podIndex) return undefined;
    alive += 1;
    if (pod.available) available += 1;
  }
  return workloadStateOf({ alive, available }, minReady);
}

/** Writes the workload state, one write at a time; it expires with the lease. */
export class WorkloadWriter {
  readonly #context: PodContext;
  readonly #others: OtherPods;
  #writing = false;
  /** As it was when it was last looked at who writes what. Absent: what was written then counts for nothing any more. */
  #looked: (Self & { readonly atMs: number }) | undefined;

  constructor(context: PodContext, others: OtherPods) {
    this.#context = context;
    this.#others = others;
  }

  /**
   * To be called with each report that was accepted; once a beat it looks at the others, else only when this pod changed.
   * Never rejects: the next report writes it anew.
   */
  async write(self: Self): Promise<void> {
    const { store, name, settings, logger } = this.#context;
    if (!self.alive) return this.forget(); // others write while it is Failed
    if (this.#writing || this.#hasLooked(self)) return;
    this.#writing = true;
    this.#looked = { ...self, atMs: this.#context.clock.nowMs() };
    try {
      const pods = await this.#others.view();
      const state = pods && workloadToWrite(name.podIndex, self, pods, settings.workload.minReady);
      if (state === undefined) return;
      await this.#context.ask("the workload state", (timeoutMs) =>
        store.setWorkloadState(name.namespace, name.service, state, settings.leaseMs, { timeoutMs }),
      );
    } catch (error) {
      this.forget();
      logger.debug({ error: String(error) }, "the workload state was not written");
    } finally {
      this.#writing = false;
    }
  }

  /** The next report looks at the others whenever it comes: others may have written since, or the store lost what was written. */
  forget(): void {
    this.#looked = undefined;
  }

  /** Whether it did so with the last beat, or with a report since. */
  #hasLooked(self: Self): boolean {
    const { clock, settings } = this.#context;
    const last = this.#looked;
    if (last === undefined || last.alive !== self.alive || last.available !== self.available) return false;
    return clock.nowMs() - last.atMs < settings.heartbeatIntervalMs / 2;
  }
}
