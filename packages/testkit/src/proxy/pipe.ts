import type { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "@podlink/types";
import { Alarm } from "./alarm.ts";
import type { Direction, ProxiedConnection } from "./fault.ts";
import type { Ending, Plan } from "./plan.ts";
import { emptyPlan } from "./plan.ts";
import type { ByteCount } from "./record.ts";
import type { Rule, Stream } from "./rule.ts";
import { Throttle } from "./throttle.ts";

/** What a peer sends. */
type Arrival = { readonly kind: "bytes"; readonly bytes: Buffer } | { readonly kind: "fin" } | { readonly kind: "rst" };

/** What arrived, and what will be done with it. */
interface Decided {
  readonly arrival: Arrival;
  readonly atMs: number;
  readonly plan: Plan;
}

/** What a pipe asks and tells its connection. */
export interface PipeOwner {
  planFor(stream: Stream, chunk: Buffer): Plan;
  /** How a FIN or RST is delayed. */
  delaysOfEnds(stream: Stream): Plan["delays"];
  /** A chunk was chosen by a blackhole. */
  onDark(rule: Rule): void;
  /** A FIN was sent on; or a rule made one. */
  onFin(direction: Direction, ending?: Extract<Ending, { kind: "fin" }>): void;
  /** A RST is to be sent on; or a rule makes one. */
  onRst(direction: Direction, rule?: Rule): void;
  onLost(ending: Extract<Ending, { kind: "lost" }>): void;
  /** The source has sent its last. */
  onSourceGone(direction: Direction): void;
}

export interface PipeParts {
  readonly connection: ProxiedConnection;
  readonly direction: Direction;
  readonly source: Socket;
  readonly sink: Socket;
  readonly clock: Clock;
  /** How much may be held before the source is no longer read. */
  readonly maxBufferedBytes: number;
  readonly count: (what: ByteCount, direction: Direction, bytes: number) => void;
  readonly owner: PipeOwner;
}

/**
 * Carries one direction of a connection. What arrives keeps its order: it is decided about when it arrives, and delivered one
 * after the other. What is held is bounded: above, the source is not read, and TCP makes its sender wait.
 */
export class Pipe implements Stream {
  readonly connection: ProxiedConnection;
  readonly direction: Direction;
  readonly #parts: PipeParts;
  readonly #alarm: Alarm;
  readonly #throttle = new Throttle();
  readonly #obstacles = new Set<object>();
  #undecided: { readonly arrival: Arrival; readonly atMs: number }[] = [];
  #decided: Decided[] = [];
  #heldBytes = 0;
  /** What still passes of that which arrives: "rst", behind a FIN; "nothing", behind a loss: a gap is never followed by bytes. */
  #passes: "everything" | "rst" | "nothing" = "everything";
  #isDelivering = false;

  constructor(parts: PipeParts) {
    this.connection = parts.connection;
    this.direction = parts.direction;
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
    const { source, sink } = parts;
    source.on("data", (bytes: Buffer) => this.#arrive({ kind: "bytes", bytes }));
    for (const [event, kind] of [["end", "fin"] as const, ["error", "rst"] as const])
      source.on(event, () => {
        this.#arrive({ kind });
        parts.owner.onSourceGone(this.direction);
      });
    sink.on("close", () => this.die());
  }

  get isObstructed(): boolean {
    return this.#obstacles.size > 0;
  }

  /** Nothing is decided, and nothing passes, until this is removed again. */
  obstruct(obstacle: object): void {
    this.#obstacles.add(obstacle);
  }

  removeObstacle(obstacle: object): void {
    if (this.#obstacles.delete(obstacle)) this.wake();
  }

  /** Nothing passes ever again; nobody is told. */
  die(): void {
    this.#passes = "nothing";
    this.#undecided = [];
    this.#decided = [];
    this.#drop(this.#heldBytes);
    this.#alarm.ring();
  }

  /** A FIN behind what has arrived; what arrives later is dropped. */
  halfClose(): void {
    if (this.#passes === "everything") this.#arrive({ kind: "fin" });
  }

  /** Looks again at what may pass now. */
  wake(): void {
    while (!this.isObstructed) {
      const next = this.#undecided.shift();
      if (next === undefined) break;
      this.#decide(next.arrival, next.atMs);
    }
    this.#alarm.ring();
    if (!this.#isDelivering) void this.#deliverAll();
  }

  #arrive(arrival: Arrival): void {
    const bytes = arrival.kind === "bytes" ? arrival.bytes.length : 0;
    this.#parts.count("received", this.direction, bytes);
    this.#heldBytes += bytes;
    this.#undecided.push({ arrival, atMs: this.#parts.clock.nowMs() });
    this.#regulate();
    this.wake();
  }

  #decide(arrival: Arrival, atMs: number): void {
    const { owner } = this.#parts;
    if (this.#passes === "nothing" || (this.#passes === "rst" && arrival.kind !== "rst")) {
      if (arrival.kind === "bytes") this.#drop(arrival.bytes.length);
      return;
    }
    const plan: Plan =
      arrival.kind === "bytes"
        ? owner.planFor(this, arrival.bytes)
        : { ...emptyPlan(), delays: owner.delaysOfEnds(this) };
    this.#decided.push({ arrival, atMs, plan });
    if (arrival.kind === "fin" || plan.ending?.kind === "fin") this.#passes = "rst";
    else if (plan.ending !== undefined) this.#passes = "nothing";
    if (plan.darkness !== undefined) owner.onDark(plan.darkness);
  }

  async #deliverAll(): Promise<void> {
    this.#isDelivering = true;
    for (let head = this.#decided[0]; head !== undefined; head = this.#decided[0]) {
      const { atMs, plan } = head;
      const dueMs = (): number => plan.delays.reduce((due, { rule, ms }) => due + (rule.isActive ? ms : 0), atMs);
      if (await this.#until(head, dueMs)) await this.#deliver(head);
      if (this.#decided[0] === head) this.#decided.shift();
    }
    this.#isDelivering = false;
  }

  async #deliver(head: Decided): Promise<void> {
    const { arrival, plan } = head;
    const { owner, sink } = this.#parts;
    const { ending } = plan;
    if (arrival.kind === "bytes") {
      const { length } = arrival.bytes;
      const keepBytes = ending === undefined ? length : ending.kind === "lost" ? 0 : ending.keepBytes;
      if (!(await this.#send(head, arrival.bytes.subarray(0, keepBytes)))) return;
      this.#drop(length - keepBytes);
    }
    if (arrival.kind === "fin" || ending?.kind === "fin") {
      sink.end();
      return owner.onFin(this.direction, ending?.kind === "fin" ? ending : undefined);
    }
    if (arrival.kind === "bytes" && ending === undefined) return;
    if (ending?.kind === "lost" && ending.resetAfterMs !== 0) return owner.onLost(ending);
    await receiversTurn();
    if (ending?.kind === "lost") owner.onLost(ending);
    else owner.onRst(this.direction, ending?.rule);
  }

  /** @returns whether all of it was sent: not when the pipe died meanwhile */
  async #send(head: Decided, bytes: Buffer): Promise<boolean> {
    const { throttles, fragments } = head.plan;
    for (let rest = bytes; rest.length > 0;) {
      const now = throttles.filter(({ rule }) => rule.isActive);
      const pieces = fragments.filter(({ rule }) => rule.isActive).map(({ pieceBytes }) => pieceBytes);
      const piece = rest.subarray(0, Math.min(Throttle.pieceBytes(now), ...pieces));
      const holds = this.#throttle.take(now, piece.length, this.#parts.clock.nowMs());
      const dueMs = (): number =>
        Math.max(Number.NEGATIVE_INFINITY, ...holds.map(({ rule, untilMs }) => (rule.isActive ? untilMs : 0)));
      if (!(await this.#until(head, dueMs))) return false;
      await this.#write(piece);
      if (pieces.length > 0) await receiversTurn();
      rest = rest.subarray(piece.length);
    }
    return this.#decided[0] === head;
  }

  /** @returns whether it is still to be delivered, now that it may pass and the time has come */
  async #until(head: Decided, dueMs: () => number): Promise<boolean> {
    while (this.#decided[0] === head) {
      const leftMs = this.isObstructed ? undefined : dueMs() - this.#parts.clock.nowMs();
      if (leftMs !== undefined && leftMs <= 0) return true;
      await this.#alarm.wait(leftMs);
    }
    return false;
  }

  /** Resolves when the kernel has it: a receiver that doesn't read makes the pipe wait. */
  #write(bytes: Buffer): Promise<void> {
    this.#parts.count("delivered", this.direction, bytes.length);
    this.#heldBytes -= bytes.length;
    this.#regulate();
    return new Promise((resolve) => void this.#parts.sink.write(bytes, () => resolve()));
  }

  #drop(bytes: number): void {
    this.#parts.count("discarded", this.direction, bytes);
    this.#heldBytes -= bytes;
    this.#regulate();
  }

  #regulate(): void {
    const { source, maxBufferedBytes } = this.#parts;
    if (this.#heldBytes >= maxBufferedBytes) source.pause();
    else if (source.isPaused()) source.resume();
  }
}

/**
 * Lets a receiver in this process read what it was sent before anything follows: two bytes would be one read, and a RST that is
 * read together with bytes would pass for a FIN (Node makes no difference then). From within a callback of I/O it is only the
 * next turn of the loop that polls.
 */
async function receiversTurn(): Promise<void> {
  await turn();
  await turn();
}
