import type { LinkHistory, RecordedOp } from "./recorded-op.ts";
import { byLink, isAnswered } from "./recorded-op.ts";

/** Whether a history is still what is looked for: for the checker, `checkHistory(history, ...).verdict === "contradiction"`. */
export type IsBad = (history: LinkHistory) => boolean;

/**
 * A smaller history with the same contradiction. Two steps, because leaving out an operation whose effect others saw would
 * make a contradiction of its own:
 *
 * 1. Less is claimed, as long as the history stays bad: other links go; an answered read goes; an answered mutation becomes
 *    one that nobody got the answer of (it may have happened or not). Each of these only allows more orders, so what stays
 *    bad was bad for this reason. In the end every answer that is left is needed.
 * 2. Fewer things may have happened, as long as it stays bad *and every answer stays needed*: doubtful operations and
 *    further attempts go. An operation whose effect somebody saw stays: without it that answer alone would be a
 *    contradiction, and the others would no longer be needed.
 *
 * @param history a bad one. It is returned as it is when `isBad` says otherwise.
 */
export function shrinkHistory(history: LinkHistory, isBad: IsBad): LinkHistory {
  if (!isBad(history)) return history;
  const shrinking = new Shrinking(pinned(history), isBad);
  shrinking.keepOneLink();
  shrinking.claimLess();
  shrinking.doubtLess();
  return shrinking.history;
}

/** What the store's time was when an operation returned may be known by others only, which may go. */
function pinned(history: LinkHistory): LinkHistory {
  let latestMs = 0;
  const events = history.operations.flatMap((recorded) => [
    { place: recorded.called, recorded, isCall: true },
    { place: recorded.returned ?? Infinity, recorded, isCall: false },
  ]);
  const returnedAtMs = new Map<RecordedOp, number>();
  for (const { recorded, isCall } of events.toSorted((a, b) => a.place - b.place)) {
    if (isCall) latestMs = Math.max(latestMs, Math.min(...recorded.times));
    else {
      latestMs = Math.max(latestMs, ...recorded.times, recorded.returnedAtMs ?? 0);
      returnedAtMs.set(recorded, latestMs);
    }
  }
  const operations = history.operations.map((recorded) =>
    isAnswered(recorded) ? { ...recorded, returnedAtMs: returnedAtMs.get(recorded) as number } : recorded,
  );
  return { ...history, operations };
}

class Shrinking {
  history: LinkHistory;
  readonly #isBad: IsBad;

  constructor(history: LinkHistory, isBad: IsBad) {
    this.history = history;
    this.#isBad = isBad;
  }

  keepOneLink(): void {
    for (const operations of byLink(this.history.operations).values()) {
      const alone = { ...this.history, operations };
      if (!this.#isBad(alone)) continue;
      this.history = alone;
      return;
    }
  }

  /** In blocks first, halved again and again: long histories get short in few checks. */
  claimLess(): void {
    for (let block = this.history.operations.length; block >= 1; block = Math.floor(block / 2)) {
      // From the end: what goes moves only what was tried already.
      for (let to = this.history.operations.length; to > 0; to -= block) {
        const { operations } = this.history;
        const chosen = new Set(operations.slice(Math.max(0, to - block), to));
        const fewer = operations.flatMap((recorded) => (chosen.has(recorded) ? unclaimed(recorded) : [recorded]));
        if (!fewer.some((recorded) => !operations.includes(recorded)) && fewer.length === operations.length) continue;
        this.#try(fewer);
      }
    }
  }

  doubtLess(): void {
    for (let at = this.history.operations.length - 1; at >= 0; at -= 1) {
      const { operations } = this.history;
      const recorded = operations[at] as RecordedOp;
      const isDoubtful = recorded.outcome.kind !== "answered";
      const { attempts, ...once } = recorded;
      const smaller = [...(isDoubtful ? [[]] : []), ...(attempts === undefined || attempts === 1 ? [] : [[once]])];
      for (const instead of smaller) {
        if (this.#tryNeeded([...operations.slice(0, at), ...instead, ...operations.slice(at + 1)])) break;
      }
    }
  }

  #try(operations: readonly RecordedOp[]): boolean {
    const candidate = { ...this.history, operations };
    if (!this.#isBad(candidate)) return false;
    this.history = candidate;
    return true;
  }

  #tryNeeded(operations: readonly RecordedOp[]): boolean {
    const isEachNeeded = operations.filter(isAnswered).every((recorded) => {
      const without = operations.flatMap((one) => (one === recorded ? unclaimed(one) : [one]));
      return !this.#isBad({ ...this.history, operations: without });
    });
    return isEachNeeded && this.#try(operations);
  }
}

/** The operation without the claim that it was answered so; nothing when then it says nothing at all. */
function unclaimed(recorded: RecordedOp): RecordedOp[] {
  if (recorded.op.kind === "get" || recorded.outcome.kind === "refused") return [];
  return isAnswered(recorded) ? [{ ...recorded, outcome: { kind: "unknown" } }] : [recorded];
}
