import type { Clock } from "@podlink/types";
import type { Direction, FaultKind } from "./fault.ts";
import type { WaitOptions, Waits } from "./waits.ts";

/** Something that the proxy saw or did. */
export interface ProxyEvent {
  /** In milliseconds since the proxy started, monotonic. */
  readonly atMs: number;
  /** The connection's id. */
  readonly connection: number;
  /**
   * A fault that befell a chunk or a connection, when that was decided; or `opened`; `unreachable`: the server could not be
   * connected to; `fin`, `rst`: one was sent on, or made here; `resumed`: a blackhole over it ended; `closed`: at both ends.
   */
  readonly what: FaultKind | "opened" | "unreachable" | "fin" | "rst" | "resumed" | "closed";
  /** Absent: both. */
  readonly direction?: Direction;
  /** The size of the chunk. Absent: there was none. */
  readonly bytes?: number;
  /** Of a delay: the one that was drawn, in milliseconds. */
  readonly delayMs?: number;
  /** The name of the rule that made it happen. Absent: a peer did, or the test itself. */
  readonly rule?: string;
}

/** Sums since the start: exact, whatever the record forgot. */
export interface ProxyCounts {
  readonly connections: { readonly accepted: number; readonly refused: number; readonly open: number };
  /** Bytes read from a peer; received = delivered + discarded + held. */
  readonly received: Readonly<Record<Direction, number>>;
  /** Bytes given to the other peer's socket. */
  readonly delivered: Readonly<Record<Direction, number>>;
  /** Bytes that were lost, or whose receiver was gone. */
  readonly discarded: Readonly<Record<Direction, number>>;
  /** Bytes in the proxy. */
  readonly held: Readonly<Record<Direction, number>>;
  /** How often each fault befell a chunk or a connection. */
  readonly faults: Readonly<Record<FaultKind, number>>;
}

/** A sum of bytes that is counted up; what is held follows from these. */
export type ByteCount = "received" | "delivered" | "discarded";

/** The proxy's memory: exact sums, and the latest events. */
export class ProxyRecord {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #limit: number;
  readonly #waits: Waits;
  #events: ProxyEvent[] = [];
  /** How many events were there before the first of these. */
  #forgotten = 0;
  readonly bytes: Readonly<Record<ByteCount, Record<Direction, number>>> = {
    received: { toServer: 0, toClient: 0 },
    delivered: { toServer: 0, toClient: 0 },
    discarded: { toServer: 0, toClient: 0 },
  };
  readonly #connections = { accepted: 0, refused: 0, open: 0 };
  readonly #faults: Record<FaultKind, number> = {
    pass: 0,
    delay: 0,
    throttle: 0,
    fragment: 0,
    loseReply: 0,
    loseRequest: 0,
    reset: 0,
    halfClose: 0,
    cut: 0,
    blackhole: 0,
    refuse: 0,
  };

  constructor({ clock, limit, waits }: { readonly clock: Clock; readonly limit: number; readonly waits: Waits }) {
    this.#clock = clock;
    this.#startedAtMs = clock.nowMs();
    this.#limit = limit;
    this.#waits = waits;
  }

  get nowMs(): number {
    return this.#clock.nowMs() - this.#startedAtMs;
  }

  get events(): readonly ProxyEvent[] {
    return this.#events.slice(-this.#limit);
  }

  get counts(): ProxyCounts {
    const { received, delivered, discarded } = this.bytes;
    const held = (way: Direction): number => received[way] - delivered[way] - discarded[way];
    return {
      connections: { ...this.#connections },
      received: { ...received },
      delivered: { ...delivered },
      discarded: { ...discarded },
      held: { toServer: held("toServer"), toClient: held("toClient") },
      faults: { ...this.#faults },
    };
  }

  add(event: Omit<ProxyEvent, "atMs">): void {
    this.#events.push({ atMs: this.nowMs, ...event });
    // Cut now and then, not each time: that would move the whole list.
    if (this.#events.length >= 2 * this.#limit) {
      this.#forgotten += this.#events.length - this.#limit;
      this.#events = this.#events.slice(-this.#limit);
    }
    const { what } = event;
    if (what in this.#faults) this.#faults[what as FaultKind] += 1;
    if (what === "refuse") this.#connections.refused += 1;
    if (what === "opened") {
      this.#connections.accepted += 1;
      this.#connections.open += 1;
    }
    if (what === "closed") this.#connections.open -= 1;
    this.#waits.look();
  }

  whenRecorded(test: (event: ProxyEvent) => boolean, options?: WaitOptions): Promise<ProxyEvent> {
    let looked = 0;
    const ask = (): ProxyEvent | undefined => {
      const from = Math.max(looked - this.#forgotten, 0);
      looked = this.#forgotten + this.#events.length;
      return this.#events.slice(from).find(test);
    };
    return this.#waits.for("an event that passes the test is recorded", ask, options);
  }
}
