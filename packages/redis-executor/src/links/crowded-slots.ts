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
 * much is on the wire, the operations of a slot that has a call there wait for its answer, and travel together then: for
 * one round trip at most, in which Redis would mostly not have come to them either.
 */
export class CrowdedSlots {
  /** By kind of call; there are few, and they stay. */
  readonly #slots = new Map<number, Slot>();

  /** Whether an operation has to wait. If so, it comes back from {@link left}. */
  holds(pending: PendingOp, scriptsOnWire: number): boolean {
    if (scriptsOnWire < CROWD || pending.isAlone) return false;
    const slot = this.#slots.get(callKindOf(pending));
    if (slot === undefined || slot.onWire === 0) return false;
    slot.held.push(pending);
    return true;
  }

  sent(batch: Batch): void {
    this.#slotOf(batch).onWire += 1;
  }

  /** A call is answered, or lost. @returns the operations that waited for it */
  left(batch: Batch): readonly PendingOp[] {
    const slot = this.#slotOf(batch);
    slot.onWire -= 1;
    return slot.onWire === 0 && slot.held.length > 0 ? take(slot) : [];
  }

  /** Gives up all that wait. */
  close(): PendingOp[] {
    return [...this.#slots.values()].flatMap(take);
  }

  #slotOf({ runs }: Batch): Slot {
    const kind = callKindOf((runs[0] as Run).ops[0] as PendingOp);
    let slot = this.#slots.get(kind);
    if (slot === undefined) this.#slots.set(kind, (slot = { onWire: 0, held: [] }));
    return slot;
  }
}

function take(slot: Slot): PendingOp[] {
  const { held } = slot;
  slot.held = [];
  return held;
}
