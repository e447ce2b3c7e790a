import type { Socket } from "node:net";
import type { Clock, Timer } from "@podlink/types";
import { defer } from "@podlink/types";
import type { Direction, ProxiedConnection } from "./fault.ts";
import { Pipe } from "./pipe.ts";
import type { PipeOwner, PipeParts } from "./pipe.ts";
import type { Ending, Plan } from "./plan.ts";
import { planFor } from "./plan.ts";
import type { ProxyRecord } from "./record.ts";
import type { Rule, Stream } from "./rule.ts";
import { newSocket, resetSocket } from "./sockets.ts";
import type { Target } from "./target.ts";

export interface ConnectionParts {
  readonly view: Connection["view"];
  readonly client: Socket;
  readonly target: Target;
  readonly clock: Clock;
  readonly record: ProxyRecord;
  readonly maxBufferedBytes: number;
  /** The rules in force, in the order in which they were added. */
  readonly rules: ReadonlySet<Rule>;
  /** Both of its ends are closed. */
  readonly onClosed: (connection: Connection) => void;
}

/** A client's connection and the one that was made to the server for it. */
export class Connection implements PipeOwner {
  readonly view: { -readonly [K in keyof ProxiedConnection]: ProxiedConnection[K] };
  readonly #parts: ConnectionParts;
  readonly #client: Socket;
  readonly #server = newSocket();
  readonly #pipes: Readonly<Record<Direction, Pipe>>;
  readonly #blackholes = new Set<Rule>();
  #way: "not yet" | "connecting" | "connected" = "not yet";
  readonly #closed = defer<void>();
  #openSockets = 2;
  #isReset = false;
  #resetTimer: Timer | undefined;

  constructor(parts: ConnectionParts) {
    const { view, client, clock, record, maxBufferedBytes } = parts;
    this.#parts = parts;
    this.view = view;
    this.#client = client;
    client.once("data", (bytes: Buffer) => this.#onFirstBytes(bytes)); // before the pipe hears of them
    this.#server.once("error", () => this.#onServerError());
    const count: PipeParts["count"] = (what, direction, bytes) => void (record.bytes[what][direction] += bytes);
    const shared = { connection: view, clock, maxBufferedBytes, count, owner: this };
    this.#pipes = {
      toServer: new Pipe({ ...shared, direction: "toServer", source: client, sink: this.#server }),
      toClient: new Pipe({ ...shared, direction: "toClient", source: this.#server, sink: client }),
    };
    for (const socket of this.#sockets) socket.once("close", () => this.#onClose());
    for (const pipe of this.#all) pipe.obstruct(this);
    for (const rule of parts.rules) this.befall(rule);
    this.#connectIfLight();
  }

  /** Resolves when both of its ends are closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Falls into a blackhole that is there for connections, if that chooses it. */
  befall(rule: Rule): void {
    const isChosen = rule.fault.fault === "blackhole" && rule.isOfConnections && !this.#blackholes.has(rule);
    if (!isChosen || !rule.selectsConnection(this.view)) return;
    rule.fire(this.view);
    this.onDark(rule);
  }

  onRuleEnd(rule: Rule): void {
    if (this.#blackholes.delete(rule)) this.#leaveBlackhole(rule);
    for (const pipe of this.#all) pipe.wake();
  }

  /** Both ends get a RST now. */
  reset(): void {
    this.#reset({});
  }

  halfClose(direction: Direction): void {
    this.#pipes[direction].halfClose();
  }

  planFor(stream: Stream, chunk: Buffer): Plan {
    return planFor(this.#parts.rules, stream, chunk);
  }

  delaysOfEnds(stream: Stream): Plan["delays"] {
    return Array.from(this.#parts.rules, (rule) => ({ rule, ms: rule.delayOfEndsMs(stream) }));
  }

  onDark(rule: Rule): void {
    this.#blackholes.add(rule);
    for (const direction of rule.directions) this.#pipes[direction].obstruct(rule);
  }

  onFin(direction: Direction, ending?: Extract<Ending, { kind: "fin" }>): void {
    this.#note("fin", { direction, ...(ending === undefined ? {} : { rule: ending.rule.name }) });
    if (ending?.both === true) this.#pipes[direction === "toServer" ? "toClient" : "toServer"].halfClose();
  }

  onRst(direction: Direction, rule?: Rule): void {
    this.#reset(rule === undefined ? { direction } : { rule: rule.name });
  }

  onLost({ rule, resetAfterMs }: Extract<Ending, { kind: "lost" }>): void {
    const reset = (): void => this.#reset({ rule: rule.name });
    if (resetAfterMs === 0) reset();
    else if (resetAfterMs !== "never") this.#resetTimer ??= this.#parts.clock.setTimer(resetAfterMs, reset);
  }

  onSourceGone(direction: Direction): void {
    // It never got through to the server, so nobody else is to hear of it.
    if (direction === "toServer" && this.#way === "not yet") for (const socket of this.#sockets) socket.destroy();
  }

  get #all(): readonly Pipe[] {
    return [this.#pipes.toServer, this.#pipes.toClient];
  }

  get #sockets(): readonly Socket[] {
    return [this.#client, this.#server];
  }

  #leaveBlackhole(rule: Rule): void {
    const isDead = rule.fault.fault === "blackhole" && rule.fault.afterEnd === "dead";
    if (isDead) {
      for (const direction of rule.directions) this.#pipes[direction].die();
      return;
    }
    this.#note("resumed", { rule: rule.name });
    for (const direction of rule.directions) this.#pipes[direction].removeObstacle(rule);
    this.#connectIfLight();
  }

  /** A connection needs both directions to be made. */
  #connectIfLight(): void {
    if (this.#way !== "not yet" || this.#blackholes.size > 0 || this.#server.destroyed) return;
    this.#way = "connecting";
    this.#server.connect(this.#parts.target, () => {
      this.#way = "connected";
      for (const pipe of this.#all) pipe.removeObstacle(this);
    });
  }

  #onFirstBytes(bytes: Buffer): void {
    this.view.firstBytes = bytes;
    for (const rule of this.#parts.rules) this.befall(rule);
  }

  #onServerError(): void {
    if (this.#way !== "connecting") return;
    this.#note("unreachable", {});
    this.#reset({ direction: "toClient" });
  }

  #reset(why: { readonly direction?: Direction; readonly rule?: string }): void {
    if (this.#isReset) return;
    this.#isReset = true;
    this.#note("rst", why);
    for (const socket of this.#sockets) resetSocket(socket);
  }

  #onClose(): void {
    this.#openSockets -= 1;
    if (this.#openSockets > 0) return;
    this.#resetTimer?.cancel();
    this.#note("closed", {});
    this.#parts.onClosed(this);
    this.#closed.resolve();
  }

  #note(what: "unreachable" | "fin" | "rst" | "resumed" | "closed", more: object): void {
    this.#parts.record.add({ connection: this.view.id, what, ...more });
  }
}
