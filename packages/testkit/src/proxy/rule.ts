import type { Direction, Fault, ProxiedConnection } from "./fault.ts";
import { seededRandom } from "../seeded-random.ts";
import { mixedSeed } from "./mixed-seed.ts";
import type { ProxyRecord } from "./record.ts";
import type { WaitOptions, Waits } from "./waits.ts";

/** A fault that was added, until it is ended. */
export interface FaultRule {
  readonly name: string;
  readonly fault: Fault;
  /** How many chunks or connections it has befallen. */
  readonly fired: number;
  /** Resolves, with `fired`, when that is so many in all (default 1), at once if it is. Rejects when the rule ends before, or in time. */
  whenFired(options?: WaitOptions & { readonly times?: number }): Promise<number>;
  /** What it befell and can pass now, does: delays and throttles are over, a blackhole resumes. Idempotent. */
  end(): void;
}

/** One direction of a connection. */
export interface Stream {
  readonly connection: ProxiedConnection;
  readonly direction: Direction;
}

/** What a rule keeps of one stream. */
interface StreamState {
  readonly random: () => number;
  /** Bytes that passed under it. */
  passed: number;
}

interface RuleParts {
  readonly fault: Fault;
  /** 0 for the first that the proxy was given. */
  readonly number: number;
  readonly seed: number;
  readonly record: ProxyRecord;
  readonly waits: Waits;
  readonly onEnd: (rule: Rule) => void;
  /** Hears what a predicate threw. */
  readonly onThrow: (error: unknown) => void;
}

/** A fault with what it has done. */
export class Rule implements FaultRule {
  readonly name: string;
  readonly fault: Fault;
  readonly #parts: RuleParts;
  readonly #streams = new WeakMap<Stream, StreamState>();
  #fired = 0;
  #isActive = true;

  constructor(parts: RuleParts) {
    this.#parts = parts;
    this.fault = parts.fault;
    this.name = parts.fault.name ?? `${parts.fault.fault}-${parts.number + 1}`;
  }

  get fired(): number {
    return this.#fired;
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  /** Whether it befalls whole connections, not chunks. */
  get isOfConnections(): boolean {
    const { fault } = this;
    if (fault.fault === "refuse") return true;
    return (
      fault.fault === "blackhole" && fault.bytes === undefined && fault.share === undefined && fault.times === undefined
    );
  }

  get directions(): readonly Direction[] {
    const { fault } = this;
    if (fault.fault === "loseReply") return ["toClient"];
    if (fault.fault === "loseRequest") return ["toServer"];
    const direction = "direction" in fault ? fault.direction : undefined;
    return direction === undefined ? ["toServer", "toClient"] : [direction];
  }

  selectsConnection(connection: ProxiedConnection): boolean {
    const { connections, shareOfConnections = 1 } = this.fault;
    const times = "times" in this.fault ? this.fault.times : undefined;
    if (!this.#isActive || (times !== undefined && this.#fired >= times)) return false;
    if (connections !== undefined && !this.#ask(() => connections(connection))) return false;
    return shareOfConnections === 1 || this.#randomOf(connection.id)() < shareOfConnections;
  }

  selectsChunk(stream: Stream, chunk: Buffer): boolean {
    if (!this.directions.includes(stream.direction) || !this.selectsConnection(stream.connection)) return false;
    const { fault } = this;
    const bytes = "bytes" in fault ? fault.bytes : undefined;
    if (bytes !== undefined && !this.#ask(() => bytes(chunk))) return false;
    const share = "share" in fault ? fault.share : undefined;
    return share === undefined || this.#stateOf(stream).random() < share;
  }

  /** How many bytes of the chunk pass until `limit` have, under this rule; `undefined`: all, and more may follow. */
  lastBytes(stream: Stream, chunk: Buffer, limit: number): number | undefined {
    const state = this.#stateOf(stream);
    const last = Math.min(chunk.length, limit - state.passed);
    state.passed += last;
    return state.passed < limit ? undefined : last;
  }

  /** The delay of one chunk, in milliseconds. */
  drawDelayMs(stream: Stream, { ms, jitterMs = 0 }: { readonly ms: number; readonly jitterMs?: number }): number {
    return jitterMs === 0 ? ms : Math.max(0, ms + jitterMs * (2 * this.#stateOf(stream).random() - 1));
  }

  /** What a FIN or RST of the stream is delayed by, in milliseconds: nothing, if it is a fault of single chunks. */
  delayOfEndsMs({ connection, direction }: Stream): number {
    const { fault } = this;
    if (fault.fault !== "delay" || (fault.bytes ?? fault.share ?? fault.times) !== undefined) return 0;
    return this.directions.includes(direction) && this.selectsConnection(connection) ? fault.ms : 0;
  }

  fire(
    connection: ProxiedConnection,
    more: { readonly direction?: Direction; readonly bytes?: number; readonly delayMs?: number } = {},
  ): void {
    this.#fired += 1;
    this.#parts.record.add({ connection: connection.id, what: this.fault.fault, rule: this.name, ...more });
  }

  whenFired({ times = 1, ...options }: WaitOptions & { readonly times?: number } = {}): Promise<number> {
    const ask = (): number | undefined => {
      if (this.#fired >= times) return this.#fired;
      if (!this.#isActive) throw new Error(`${this.name} ended before it had fired ${times} times`);
      return undefined;
    };
    return this.#parts.waits.for(`${this.name} fires ${times} times`, ask, options);
  }

  end(): void {
    if (!this.#isActive) return;
    this.#isActive = false;
    this.#parts.onEnd(this);
    this.#parts.waits.look();
  }

  #ask(predicate: () => boolean): boolean {
    try {
      return predicate();
    } catch (error) {
      this.#parts.onThrow(error);
      return false;
    }
  }

  /** Chance that depends on nothing but the seed and what it is for: not on how connections take turns. */
  #randomOf(...what: readonly number[]): () => number {
    return seededRandom(mixedSeed(this.#parts.seed, this.#parts.number, ...what));
  }

  #stateOf(stream: Stream): StreamState {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    const random = this.#randomOf(stream.connection.id, stream.direction === "toServer" ? 1 : 2);
    const state = { random, passed: 0 };
    this.#streams.set(stream, state);
    return state;
  }
}
