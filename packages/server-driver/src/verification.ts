import type { Answer, GetOp, Link, RenewOp, Timer } from "@podlink/types";
import { failpoint } from "@podlink/types/failpoint";
import type { PodContext } from "./context.ts";
import type { LinkMutations } from "./link-mutations.ts";
import type { Doubt, OwnershipTable } from "./ownership-table.ts";
import { Pacer } from "./pacer.ts";
import type { Period } from "./period.ts";

/** Links looked at (or claimed) in a second by what a pod does on its own account. */
export const OWN_ACCOUNT_RATE_PER_SECOND = 2000;

export interface VerificationParts {
  readonly context: PodContext;
  readonly table: OwnershipTable;
  readonly mutations: LinkMutations;
  /**
   * Asks the store whether it still knows this registration, before a missing link is taken for removed.
   * False: it doesn't, or didn't answer; then nothing is lost yet.
   */
  readonly confirm: () => Promise<boolean>;
  /** Whether a period still counts: same registration, lease held. */
  readonly counts: () => boolean;
}

/** Looks at all held links from time to time: finds those that were removed or taken, and keeps the others from expiring. */
export class Verification {
  readonly #parts: VerificationParts;
  readonly #stop = new AbortController();
  #timer: Timer | undefined;

  constructor(parts: VerificationParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#schedule();
  }

  stop(): void {
    this.#stop.abort();
    this.#timer?.cancel();
  }

  /** One look at everything that is held. Never rejects. */
  async run(): Promise<void> {
    const { table } = this.#parts;
    await this.#inSlices(table.periods(), (slice) => this.#look(slice.filter((period) => this.#isSettled(period))));
    await this.#inSlices(table.doubts(), (slice) => this.#lookAtDoubts(slice));
  }

  async #inSlices<T>(all: readonly T[], look: (slice: readonly T[]) => Promise<void>): Promise<void> {
    const { context, counts } = this.#parts;
    const pacer = new Pacer(context.clock, () => OWN_ACCOUNT_RATE_PER_SECOND);
    for (let at = 0; at < all.length;) {
      const turns = await pacer.take(all.length - at, this.#stop.signal);
      if (turns === 0 || !counts()) return;
      const slice = all.slice(at, at + turns);
      at += turns;
      try {
        await context.watched("verify", () => look(slice));
      } catch (error) {
        context.logger.warn({ error: String(error) }, "verification got no answer");
      }
    }
  }

  #schedule(): void {
    const { clock, settings } = this.#parts.context;
    if (this.#stop.signal.aborted) return;
    this.#timer = clock.setTimer(settings.verifyIntervalMs, () => void this.run().then(() => this.#schedule()));
  }

  /** Nothing is under way that changes its link. */
  #isSettled(period: Period): boolean {
    const { table, mutations } = this.#parts;
    return !mutations.isBusy(period.uid) && table.held(period.uid) === period && period.handOff === undefined;
  }

  async #look(periods: readonly Period[]): Promise<void> {
    const { context, table, confirm, counts } = this.#parts;
    if (periods.length === 0) return;
    const ops = periods.map(({ uid }): GetOp => ({ kind: "get", ...context.linkKey(uid) }));
    const answers = await this.#ask(ops);
    if (!counts()) return;
    context.counters.verified += periods.length;
    const gone: { readonly period: Period; readonly link: Link | undefined }[] = [];
    const due: Period[] = [];
    for (const [index, period] of periods.entries()) {
      const answer = answers[index];
      if (answer === undefined || "error" in answer || !this.#isSettled(period)) continue;
      if (answer.value?.token !== period.link.token) gone.push({ period, link: answer.value });
      else if (this.#isHalfGone(period)) due.push(period);
    }
    await this.#renew(due);
    // Links may be missing because the store lost its data, which its answer to a report tells.
    if (gone.length === 0 || !(await confirm())) return;
    for (const { period, link } of gone) {
      if (this.#isSettled(period)) table.end(period.uid, "lost", link);
    }
  }

  /** A link that has another token, or is gone, matches no mutation that was sent for the doubtful one: the doubt ends. */
  async #lookAtDoubts(doubts: readonly Doubt[]): Promise<void> {
    const { context, table, mutations } = this.#parts;
    const answers = await this.#ask(doubts.map(({ uid }): GetOp => ({ kind: "get", ...context.linkKey(uid) })));
    for (const [index, { uid, token }] of doubts.entries()) {
      const answer = answers[index];
      if (answer === undefined || "error" in answer || mutations.isBusy(uid)) continue;
      if (answer.value?.token !== token) table.settle(uid, token);
    }
  }

  #isHalfGone(period: Period): boolean {
    const { clock, settings } = this.#parts.context;
    return clock.nowMs() - period.renewedAtMs >= settings.ownedTtlMs / 2;
  }

  async #renew(periods: readonly Period[]): Promise<void> {
    const { context, mutations } = this.#parts;
    if (periods.length === 0) return;
    const askedAtMs = context.clock.nowMs();
    const ops = periods.map(({ uid, link: { podIndex, token } }): RenewOp => {
      const expected = { podIndex, token };
      return { kind: "renew", ...context.linkKey(uid), expected, lifetime: "persistent" };
    });
    const asked = this.#askToRenew(ops);
    // A mutation, too: what is asked for these links meanwhile waits for its answer.
    for (const { uid } of periods) void mutations.run(uid, () => asked).catch(() => undefined);
    const answers = await asked;
    for (const [index, period] of periods.entries()) {
      const answer = answers[index];
      if (answer !== undefined && "value" in answer && "renewed" in answer.value && answer.value.renewed) {
        period.renewedAtMs = askedAtMs;
      }
    }
  }

  async #askToRenew(ops: readonly RenewOp[]): Promise<Answer<RenewOp>[]> {
    await failpoint("before-renew", { links: ops.length });
    return this.#ask(ops);
  }

  async #ask<O extends GetOp | RenewOp>(ops: readonly O[]): Promise<Answer<O>[]> {
    const { context } = this.#parts;
    const answers = await context.ask("verification", (timeoutMs) => context.store.executeAll(ops, { timeoutMs }));
    for (const answer of answers) if ("error" in answer) context.sawError(answer.error);
    return answers;
  }
}
