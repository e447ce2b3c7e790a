import type { Link, LinkKey, LinkKind } from "@podlink/types";

const KINDS: readonly LinkKind[] = ["reservation", "owned", "goodbye"];
const FIRST_CAPACITY = 16;

/** What is kept of each cached link, by slot: typed arrays that double as they fill, up to a limit. 36 bytes a slot. */
export class LinkSlots {
  /** When the entry's life ends, by the monotonic clock. */
  expiresAtMs: Float64Array<ArrayBuffer>;
  podIndexes: Uint16Array<ArrayBuffer>;
  tokens: Float64Array<ArrayBuffer>;
  /** 1: used since the hand of the eviction passed. */
  used: Uint8Array<ArrayBuffer>;
  /** 0: none. Incarnations start at 1. */
  #incarnations: Float64Array<ArrayBuffer>;
  /** What the link had left as of the reply. Infinity: persistent. */
  #leftMs: Float64Array<ArrayBuffer>;
  #kinds: Uint8Array<ArrayBuffer>;
  readonly #limit: number;
  #capacity: number;
  /** Slots from here on were never used. */
  #fresh = 0;
  #free: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
    this.#capacity = Math.min(FIRST_CAPACITY, limit);
    this.expiresAtMs = new Float64Array(this.#capacity);
    this.podIndexes = new Uint16Array(this.#capacity);
    this.tokens = new Float64Array(this.#capacity);
    this.used = new Uint8Array(this.#capacity);
    this.#incarnations = new Float64Array(this.#capacity);
    this.#leftMs = new Float64Array(this.#capacity);
    this.#kinds = new Uint8Array(this.#capacity);
  }

  /** Whether every slot up to the limit is taken. */
  get full(): boolean {
    return this.#free.length === 0 && this.#fresh === this.#limit;
  }

  /** A slot that is nobody's. Not to be called when full. */
  take(): number {
    const slot = this.#free.pop() ?? this.#fresh++;
    if (slot >= this.#capacity) this.#grow();
    return slot;
  }

  giveBack(slot: number): void {
    this.expiresAtMs[slot] = 0;
    this.#free.push(slot);
  }

  write(slot: number, link: Link, expiresAtMs: number): void {
    this.expiresAtMs[slot] = expiresAtMs;
    this.podIndexes[slot] = link.podIndex;
    this.tokens[slot] = Number(link.token);
    this.used[slot] = 0;
    this.#incarnations[slot] = link.incarnation ?? 0;
    this.#leftMs[slot] = link.expiresInMs ?? Number.POSITIVE_INFINITY;
    this.#kinds[slot] = KINDS.indexOf(link.kind);
  }

  /** The link as it was written. Plain literals: it is made for every waiting caller of an entry that is not hot. */
  link(slot: number, { namespace, service, uid }: LinkKey): Link {
    const podIndex = this.podIndexes[slot]!;
    const incarnation = this.#incarnations[slot]!;
    const token = String(this.tokens[slot]!);
    const kind = KINDS[this.#kinds[slot]!]!;
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

  #grow(): void {
    this.#capacity = Math.min(this.#limit, this.#capacity * 2);
    this.expiresAtMs = moved(this.expiresAtMs, new Float64Array(this.#capacity));
    this.podIndexes = moved(this.podIndexes, new Uint16Array(this.#capacity));
    this.tokens = moved(this.tokens, new Float64Array(this.#capacity));
    this.used = moved(this.used, new Uint8Array(this.#capacity));
    this.#incarnations = moved(this.#incarnations, new Float64Array(this.#capacity));
    this.#leftMs = moved(this.#leftMs, new Float64Array(this.#capacity));
    this.#kinds = moved(this.#kinds, new Uint8Array(this.#capacity));
  }
}

function moved<A extends { set(from: A): void }>(from: A, to: A): A {
  to.set(from);
  return to;
}
