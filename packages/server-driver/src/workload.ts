import { workloadStateOf } from "@podlink/types";
import type { PodContext } from "./context.ts";
import type { OtherPods } from "./peers.ts";

/** Writes the workload state while this pod is the one that does, one write at a time; it expires with the lease. */
export class WorkloadWriter {
  readonly #context: PodContext;
  readonly #others: OtherPods;
  #writing = false;
  /** As it was when the others were last looked at. Absent: what was written then counts for nothing any more. */
  #looked: { readonly available: boolean; readonly atMs: number } | undefined;

  constructor(context: PodContext, others: OtherPods) {
    this.#context = context;
    this.#others = others;
  }

  /**
   * To be called with each report whose answer says that this pod writes; once a beat it looks at the others, else only
   * when this pod changed. Never rejects: the next report writes it anew.
   * @param available whether this pod is, as it says of itself right now: more up to date than any reading.
   */
  async write(available: boolean): Promise<void> {
    const { store, name, settings, logger } = this.#context;
    if (this.#writing || this.#hasLooked(available)) return;
    this.#writing = true;
    this.#looked = { available, atMs: this.#context.clock.nowMs() };
    try {
      const pods = await this.#others.view();
      if (pods === undefined) return;
      const count = pods.filter((pod) => pod.available && pod.row.podIndex !== name.podIndex).length;
      const state = workloadStateOf(
        { alive: 1, available: count + (available ? 1 : 0) }, // it is alive: its report says so
        settings.workload.minReady,
      );
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
  #hasLooked(available: boolean): boolean {
    const { clock, settings } = this.#context;
    const last = this.#looked;
    if (last === undefined || last.available !== available) return false;
    return clock.nowMs() - last.atMs < settings.heartbeatIntervalMs / 2;
  }
}
