import type { Timer } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { PodContext } from "./context.ts";
import type { HandOffs } from "./hand-off.ts";
import type { OwnershipTable } from "./ownership-table.ts";
import type { OtherPods } from "./peers.ts";
import { Pacer } from "./pacer.ts";

export interface HandOverParts {
  readonly context: PodContext;
  readonly table: OwnershipTable;
  readonly handOffs: HandOffs;
}

export interface HandOverOptions {
  readonly ratePerSecond: () => number;
  readonly whenNobody: "leave" | "keep";
  readonly signal: AbortSignal;
  /** Aborted: there is no pace any more. Absent: there is one to the end. */
  readonly hurried?: AbortSignal;
}

/** Hands off all that is held now, one uid after the other at a pace, many at a time. Never rejects. */
export async function handOverOnce(
  { context, table, handOffs }: HandOverParts,
  options: HandOverOptions,
): Promise<void> {
  const pacer = new Pacer(context.clock, options.ratePerSecond, options.hurried);
  const running: Promise<unknown>[] = [];
  for (const period of table.periods()) {
    if ((await pacer.take(1, options.signal)) === 0) break;
    await failpoint("mid-drain", { uid: period.uid });
    if (!period.ended) running.push(handOffs.handOff(period, options.whenNobody));
  }
  await Promise.all(running);
}

/** A pod that is not Ready for notReadyHandOverMs gives its users to others, as far as there are any. */
export class NotReadyHandOver {
  readonly #parts: HandOverParts & { readonly others: OtherPods };
  #timer: Timer | undefined;
  #over: AbortController | undefined;
  #active = false;

  constructor(parts: HandOverParts & { readonly others: OtherPods }) {
    this.#parts = parts;
  }

  /** Whether users are handed over: then unknown ones are pointed elsewhere too. */
  get isActive(): boolean {
    return this.#active;
  }

  /** The pod is not Ready from now on. Idempotent. */
  begin(): void {
    if (this.#over !== undefined) return;
    this.#over = new AbortController();
    this.#again(this.#parts.context.settings.notReadyHandOverMs, this.#over.signal);
  }

  /** The pod is Ready again, or stops. */
  end(): void {
    this.#over?.abort();
    this.#over = undefined;
    this.#setActive(false);
    this.#timer?.cancel();
  }

  #again(delayMs: number, signal: AbortSignal): void {
    this.#timer = this.#parts.context.clock.setTimer(delayMs, () => {
      this.#setActive(true);
      void this.#run(signal);
    });
  }

  #setActive(active: boolean): void {
    if (this.#active === active) return;
    this.#active = active;
    this.#parts.context.event({ kind: "handing-over", active });
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { others, context, table } = this.#parts;
    const { settings } = context;
    const ratePerSecond = (): number => settings.drainRatePerSecond;
    // Asked once, before any request is held; who holds nobody needs nobody.
    if (table.size > 0 && (await others.exist()))
      await handOverOnce(this.#parts, { ratePerSecond, whenNobody: "keep", signal });
    if (!signal.aborted) this.#again(settings.heartbeatIntervalMs, signal);
  }
}
