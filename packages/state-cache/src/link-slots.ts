import type { Link, LinkKey, LinkKind } from "@podlink/types";

const KINDS: readonly LinkKind[] = ["reservation", "owned", "goodbye"];
const FIRST_CAPACITY = 16;

// The parts of a state; the pod index is below them.
const POD_INDEX = 0xffff;
const USED = 0x1_0000;
const KIND_SHIFT = 17;

/** What is kept of each cached link, by slot: typed arrays that double as they fill. 36 bytes a slot. */
export class LinkSlots {
  /** When the entry's life ends, by the monotonic clock. */
  expiresAtMs: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  tokens: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  /** Pod index, kind, and whether it was used since the hand of the eviction passed: what a hit reads lies together. */
  #states = new Uint32Array(FIRST_CAPACITY);
  /** 0: none. Incarnations start at 1. */
  #incarnations = new Float64Array(FIRST_CAPACITY);
  /** What the link had left as of the reply. Infinity: persistent. */
  #leftMs = new Float64Array(FIRST_CAPACITY);
  #capacity = FIRST_CAPACITY;
  /** Slots from here on were never used. */
  #fresh = 0;
  #free: number[] = [];

  /** A slot that is nobody's. @param limit the most that will ever be taken at the same time. */
  take(limit: number): number {
    const slot = this.#free.pop() ?? this.#fresh++;
    if (slot >= this.#capacity) this.#grow(limit);
    return slot;
  }

  giveBack(slot: number): void {
    this.expiresAtMs[slot] = 0;
    this.#free.push(slot);
  }

  podIndexOf(slot: number): number {
    return this.#states[slot]! & POD_INDEX;
  }

  isUsed(slot: number): boolean {
    return (this.#states[slot]! & USED) !== 0;
  }

  /** Marks the slot as used. Returns its pod index. Writes only what changes: most hits leave the memory as it is. */
  use(slot: number): number {
    const state = this.#states[slot]!;
    if ((state & USED) === 0) this.#states[slot] = state | USED;
    return state & POD_INDEX;
  }

  /** As if it had not been used. */
  spare(slot: number): void {
    this.#states[slot]! &= ~USED;
  }

  write(slot: number, link: Link, expiresAtMs: number): void {
    this.expiresAtMs[slot] = expiresAtMs;
    this.#states[slot] = link.podIndex | (KINDS.indexOf(link.kind) << KIND_SHIFT);
    this.tokens[slot] = Number(link.token);
    this.#incarnations[slot] = link.incarnation ?? 0;
    this.#leftMs[slot] = link.expiresInMs ?? Number.POSITIVE_INFINITY;
  }

  /** The link as it was written. Plain literals: it is made for every waiting caller of an entry that is not hot. */
  link(slot: number, { namespace, service, uid }: LinkKey): Link {
    const state = this.#states[slot]!;
    const podIndex = state & POD_INDEX;
    const incarnation = this.#incarnations[slot]!;
    const token = String(this.tokens[slot]!);
    const kind = KINDS[state >>> KIND_SHIFT]!;
    const expiresInMs = this.#leftMs[slot]!;
    if (expiresInMs === Number.POSITIVE_INFINITY) {
      return Object.freeze(
        incarnation === 0
          ? { namespace, service, uid, podIndex, token, kind }
          : { namespace, service, uid, podIndex, token, kind, incarnation },
      );
    }
    return Object.freeze(
      incarnation === 0
        ? { namespace, service, uid, podIndex, token, kind, expiresInMs }
        : { namespace, service, uid, podIndex, token, kind, incarnation, expiresInMs },
    );
  }

  #grow(limit: number): void {
    this.#capacity = Math.min(limit, this.#capacity * 2);
    this.expiresAtMs = moved(this.expiresAtMs, new Float64Array(this.#capacity));
    this.#states = moved(this.#states, new Uint32Array(this.#capacity));
    this.tokens = moved(this.tokens, new Float64Array(this.#capacity));
    this.#incarnations = moved(this.#incarnations, new Float64Array(this.#capacity));
    this.#leftMs = moved(this.#leftMs, new Float64Array(this.#capacity));
  }
}

function moved<A extends { set(from: A): void }>(from: A, to: A): A {
  to.set(from);
  return to;
}
