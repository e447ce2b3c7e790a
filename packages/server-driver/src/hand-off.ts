import type { Link } from "@podlink/types";
import { defer, isSuperseded } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { PodContext } from "./context.ts";
import type { Entries } from "./entries.ts";
import type { HandOff } from "./events.ts";
import type { LinkCommands } from "./link-commands.ts";
import type { LinkMutations } from "./link-mutations.ts";
import type { OwnershipTable } from "./ownership-table.ts";
import type { OtherPods } from "./peers.ts";
import type { Period } from "./period.ts";
import { TimeLimit } from "./time-limit.ts";

/**
 * - `moved`: another pod has the link now;
 * - `left`: nobody could take it; its period ended here, the next life of this pod inherits it;
 * - `kept`: nobody could take it, or it could not be seen whether anybody can, and the period goes on;
 * - `unknown`: the store did not say.
 */
export type HandOffEnd =
  | { readonly kind: "moved"; readonly link: Link }
  | { readonly kind: "left" }
  | { readonly kind: "kept" }
  | { readonly kind: "unknown" };

export interface HandOffsParts {
  readonly context: PodContext;
  readonly table: OwnershipTable;
  readonly mutations: LinkMutations;
  readonly commands: LinkCommands;
  readonly entries: Entries;
  readonly others: OtherPods;
}

/** Gives one uid to another pod: holds its requests, lets the running ones end, saves, moves the link. */
export class HandOffs {
  readonly #parts: HandOffsParts;
  readonly #savers = new Set<{ readonly save: HandOff }>();
  readonly #stopped = new AbortController();
  readonly #left = new Set<string>();
  readonly #movedOnWayOut = new Map<string, Link>();
  /** Of hand-offs that wait for requests to end. */
  readonly #waits = new Set<TimeLimit>();
  #endsAtMs = Number.POSITIVE_INFINITY;

  constructor(parts: HandOffsParts) {
    this.#parts = parts;
  }

  /** Called for every period before its link is moved, all at once; returns how to end that. */
  onHandOff(save: HandOff): { close(): void } {
    const entry = { save };
    this.#savers.add(entry);
    return { close: () => void this.#savers.delete(entry) };
  }

  /** Whether the uid was left for the next life of this pod: it isn't taken again. */
  hasLeft(uid: string): boolean {
    return this.#left.has(uid);
  }

  /** The link that a uid had when this pod, on its way out, moved it. Undefined: it was not moved then. */
  movedTo(uid: string): Link | undefined {
    return this.#movedOnWayOut.get(uid);
  }

  /** All hand-offs are to be over in `ms`, or sooner if they were to be; those under way too. */
  within(ms: number): void {
    this.#endsAtMs = Math.min(this.#endsAtMs, this.#parts.context.clock.nowMs() + ms);
    for (const wait of this.#waits) wait.within(this.#leftMs / 2);
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#stopped.abort();
  }

  /**
   * Hands one period off; joins the hand-off under way. Never rejects.
   * @param whenNobody what becomes of the uid when no other pod can take it. While the pods can't be read it is kept.
   */
  handOff(period: Period, whenNobody: "leave" | "keep"): Promise<HandOffEnd> {
    if (period.handOff !== undefined) return period.handOff;
    const { context } = this.#parts;
    const run = context
      .watched("hand-off", () => this.#run(period, whenNobody))
      .catch((error: unknown): HandOffEnd => {
        context.counters.handOffsFailed += 1;
        context.logger.warn({ error: String(error) }, "a hand-off failed");
        return { kind: "unknown" };
      })
      .then((end) => {
        // Held requests are let in again before they look.
        if (!period.ended) period.handOff = undefined;
        return end;
      });
    period.handOff = run;
    return run;
  }

  async #run(period: Period, whenNobody: "leave" | "keep"): Promise<HandOffEnd> {
    const { context, table, mutations, others } = this.#parts;
    // Where the pods could not be read nobody knows that there is nobody: what is left can't be moved any more.
    const mayBegin = whenNobody === "keep" ? await others.exist() : (await others.view()) !== undefined;
    if (!mayBegin) return { kind: "kept" };
    await this.#prepare(period);
    await failpoint("mid-hand-off", { uid: period.uid });
    await others.exist();
    return mutations.run(period.uid, async () => {
      if (table.held(period.uid) !== period) return { kind: "unknown" };
      const best = others.best(period.link.incarnation);
      if (best !== undefined) {
        const end = await this.#move(period.link, best.podIndex);
        if (whenNobody === "leave" && end.kind === "moved") this.#movedOnWayOut.set(period.uid, end.link);
        return end;
      }
      if (whenNobody === "keep") return { kind: "kept" };
      context.counters.left += 1;
      context.event({ kind: "handed-off", moved: false });
      this.#left.add(period.uid);
      table.end(period.uid, "stopped");
      return { kind: "left" };
    });
  }

  /** Ends when no request runs and everything is saved, at the latest in time for the move. */
  async #prepare(period: Period): Promise<void> {
    const { context, entries } = this.#parts;
    const { handOffTimeoutMs, commandTimeoutMs } = context.settings;
    const budgetMs = Math.max(handOffTimeoutMs / 2, handOffTimeoutMs - commandTimeoutMs);
    const endsAtMs = context.clock.nowMs() + budgetMs;
    // A request that doesn't end must not cost the others' work: what is there is saved in the time that is left.
    await this.#whenIdle(period, Math.min(budgetMs, this.#leftMs) / 2);
    if (period.ended) return;
    const saves = Array.from(this.#savers, ({ save }) => entries.runInside(period, () => this.#save(save, period)));
    const saving = new TimeLimit(context.clock);
    // To the end of all: a link that isn't moved is left with the goodbye, work that isn't saved is lost.
    saving.within(endsAtMs - context.clock.nowMs());
    await this.#unlessOver(Promise.all(saves), saving);
  }

  async #whenIdle(period: Period, ms: number): Promise<void> {
    const wait = new TimeLimit(this.#parts.context.clock);
    wait.within(ms);
    this.#waits.add(wait);
    await this.#unlessOver(period.whenIdle(), wait);
    this.#waits.delete(wait);
  }

  /** Waits for `work`, which never rejects, within the limit, which is over then. */
  async #unlessOver(work: Promise<unknown>, limit: TimeLimit): Promise<void> {
    const over = defer<void>();
    const signal = AbortSignal.any([limit.signal, this.#stopped.signal]);
    if (signal.aborted) over.resolve();
    signal.addEventListener("abort", () => over.resolve(), { once: true });
    await Promise.race([work, over.promise]);
    limit.end();
  }

  get #leftMs(): number {
    return Math.max(0, this.#endsAtMs - this.#parts.context.clock.nowMs());
  }

  async #save(save: HandOff, { uid, link }: Period): Promise<void> {
    try {
      await save(uid, link);
    } catch (error) {
      this.#parts.context.counters.handOffsFailed += 1;
      this.#parts.context.logger.error({ error: String(error) }, "saving for a hand-off failed");
    }
  }

  async #move(link: Link, podIndex: number): Promise<HandOffEnd> {
    const { context, table, commands } = this.#parts;
    const { uid, token } = link;
    // First closed, then sent: from here on nobody is served under a token that may be gone.
    table.end(uid, "handed-off");
    const lifetime = { ttlMs: Math.round(context.settings.linkInfoCacheTimeSecs * 1000) };
    const op = {
      kind: "replace",
      ...context.linkKey(uid),
      expectedToken: token,
      owner: { podIndex },
      lifetime,
    } as const;
    const result = await commands.whileDoubtful(uid, token, () => commands.execute(op));
    await failpoint("after-move", { uid });
    // A reservation names no incarnation: nothing supersedes it. A later life's link has another token.
    if (isSuperseded(result)) return { kind: "unknown" };
    if (result.replaced) {
      context.counters.moved += 1;
      context.event({ kind: "handed-off", moved: true });
      context.event({ kind: "link-replaced", reason: "hand-off" });
    }
    // Another token, and our own index: made for us by someone else; the next request claims it.
    return result.link.podIndex === context.name.podIndex ? { kind: "unknown" } : { kind: "moved", link: result.link };
  }
}
