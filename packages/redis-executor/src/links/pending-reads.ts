import type { LinkOp, RouteError } from "@podlink/types";
import type { PodsCaller } from "./callers.ts";
import type { LinkLane } from "./lanes.ts";
import type { Outcome } from "./pending-op.ts";
import { PendingOp } from "./pending-op.ts";
import type { ReadPart } from "./read-parts.ts";
import type { TurnWait } from "./turn-wait.ts";

export interface PendingReadsParts extends ReadPart {
  readonly lane: LinkLane;
  readonly caller: PodsCaller;
  readonly wait: TurnWait;
}

/**
 * The reads of a list that fill a call, on their first try: what there is to know of them is the same for all. Where that ends,
 * because the call failed or not all of them may wait, they go on one by one.
 */
export class PendingReads extends PendingOp {
  readonly keys: readonly string[];
  readonly #positions: readonly number[];
  readonly #pods: PodsCaller;

  constructor(parts: PendingReadsParts) {
    const { lane, caller, keys, positions } = parts;
    const position = positions[0] as number;
    super(readOf(lane, caller.uids[position] as string), { ...parts, key: keys[0] as string, position });
    this.keys = keys;
    this.size = keys.length;
    this.#positions = positions;
    this.#pods = caller;
    this.isAlone = true;
  }

  /** Gives the caller each answer: the pod, nothing where there is no link, or what refuses it. */
  answered(answerOf: (index: number) => number | undefined | RouteError): void {
    if (this.isSettled) return;
    for (let index = 0; index < this.keys.length; index += 1) {
      this.#pods.answer(this.#positions[index] as number, answerOf(index));
    }
    this.#leave();
  }

  /** Each by itself, waited for in the place of this; none when this is settled. */
  apart(): PendingOp[] {
    if (this.isSettled) return [];
    const { lane, group, wait, areKeysApart } = this;
    const ops = this.keys.map((key, index) => {
      const position = this.#positions[index] as number;
      const op = readOf(lane, this.#pods.uids[position] as string);
      const pending = new PendingOp(op, { lane, key, group, caller: this.#pods, position, wait });
      pending.areKeysApart = areKeysApart;
      wait.join(pending);
      this.#pods.asked(pending);
      return pending;
    });
    this.#leave();
    return ops;
  }

  /** Each of them has this outcome. */
  override settle(outcome: Outcome): void {
    if (this.isSettled) return;
    for (const position of this.#positions) this.#pods.settledAt(position, outcome);
    this.#leave();
  }

  #leave(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.wait.leave();
  }
}

function readOf({ namespace, service }: LinkLane, uid: string): Extract<LinkOp, { kind: "get" }> {
  return { kind: "get", namespace, service, uid };
}
