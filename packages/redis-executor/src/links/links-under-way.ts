import { bucketOf } from "@podlink/types";
import type { PendingOp } from "./pending-op.ts";

const SLOTS = 4096;

/**
 * Which links have a mutation under way: one at a time in this process; others of the link follow it.
 *
 * A table of our own: in a Map that entries come to and leave again all the time, V8 keeps every table that it has grown out
 * of reachable from the one before, and with them operations that were answered long ago.
 */
export class LinksUnderWay {
  readonly #slots: (PendingOp | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

  /** Begins a mutation. False: another is under way, and this one follows it. */
  begin(pending: PendingOp): boolean {
    const slot = bucketOf(pending.op.uid, SLOTS);
    for (let other = this.#slots[slot]; other !== undefined; other = other.neighbour) {
      if (!isSameLink(other, pending)) continue;
      (other.followers ??= []).push(pending);
      return false;
    }
    pending.neighbour = this.#slots[slot];
    this.#slots[slot] = pending;
    return true;
  }

  /** Ends a mutation that has begun. */
  end(pending: PendingOp): void {
    const slot = bucketOf(pending.op.uid, SLOTS);
    const next = pending.neighbour;
    pending.neighbour = undefined;
    let before = this.#slots[slot];
    if (before === pending) {
      this.#slots[slot] = next;
      return;
    }
    while (before !== undefined && before.neighbour !== pending) before = before.neighbour;
    if (before !== undefined) before.neighbour = next;
  }
}

function isSameLink(one: PendingOp, other: PendingOp): boolean {
  return (
    one.op.uid === other.op.uid &&
    one.lane.service === other.lane.service &&
    one.lane.namespace === other.lane.namespace
  );
}
