import type { PendingOp } from "./pending-op.ts";
import type { Batch, Run } from "./runs.ts";
import { callKindOf } from "./runs.ts";

/** From so many script calls on the wire on, the nodes of a Cluster have enough to do. */
const CROWD = 16;

/** The operations that may travel in one call. */
interface Slot {
  onWire: number;
  held: PendingOp[];
}

/**
 * In a Cluster a call carries the operations of one hash slot, and what many callers ask for is scattered over all slots: each
 * call would carry one or two of a turn. A call costs Redis and this process several times what an operation does, so while
 * much is on the wire, the operations of a slot that has calls there wait for their answers, and travel together then. Once
 * one waits, those of the slot that come later wait behind it, so that no further call keeps it: each waits for one round trip
 * at most, in which Redis would mostly not have come to it either.
 */
export class CrowdedSlots {
  /** By kind of call; there are few, and they stay. */
  readonly #slots = new Map<number, Slot>();
  /** Have waited, and may go. */
  #freed: PendingOp[] = [];

  /** Whether {@link next} has some without anything being asked for. */
  get hasFreed(): boolean {
    return this.#freed.length > 0;
  }

  /** Those that may be sent now: what has waited, before what is asked for. The others come from a later `next`. */
  next(asked: readonly PendingOp[], scriptsOnWire: number): readonly PendingOp[] {
    const going = this.#freed;
    this.#freed = [];
    for (const pending of asked) if (!this.#holds(pending, scriptsOnWire)) going.push(pending);
    return going;
  }

  sent(batch: Batch): void {
    const slot = this.#slotOf(batch);
    if (slot !== undefined) slot.onWire += 1;
  }

  /** A call is answered, or lost. */
  left(batch: Batch): void {
    const slot = this.#slotOf(batch);
    if (slot === undefined) return;
    slot.onWire -= 1;
    if (slot.onWire > 0) return;
    for (const pending of slot.held) this.#freed.push(pending);
    slot.held = [];
  }

  /** Gives up all that wait. */
  close(): PendingOp[] {
    const waiting = this.#freed.concat(...Array.from(this.#slots.values(), ({ held }) => held));
    this.#freed = [];
    for (const slot of this.#slots.values()) slot.held = [];
    return waiting;
  }

  #holds(pending: PendingOp, scriptsOnWire: number): boolean {
    if (pending.isAlone) return false;
    const slot = this.#slots.get(callKindOf(pending));
    if (slot === undefined || slot.onWire === 0) return false;
    if (slot.held.length === 0 && scriptsOnWire < CROWD) return false;
    slot.held.push(pending);
    return true;
  }

  /** Undefined: it carries a try that takes nothing along, for which nothing waits. */
  #slotOf({ runs }: Batch): Slot | undefined {
    const first = (runs[0] as Run).ops[0] as PendingOp;
    if (first.isAlone) return undefined;
    const kind = callKindOf(first);
    let slot = this.#slots.get(kind);
    if (slot === undefined) this.#slots.set(kind, (slot = { onWire: 0, held: [] }));
    return slot;
  }
}
