import type { Timer } from "@podlink/types";
import { RouteError } from "@podlink/types";
import { Chain, Chained } from "../chain.ts";
import type { TimerWheel } from "../timer-wheel.ts";
import type { Breaker, Breakers } from "./breaker.ts";
import { isAnswer, isUnknownScript, toRouteError } from "./ioredis-errors.ts";
import type { Script, Writing } from "./ports.ts";
import { isPermission, missingPermission, refusedCommandOf } from "./self-test.ts";
import type { Receiver } from "./tracked-command.ts";
import { TrackedCommand } from "./tracked-command.ts";

/** Between two tries in a Cluster, while a node is being connected or slots are asked for. */
const AGAIN_MS = 20;

/** Where commands go: one server, the nodes of a Cluster, one of them. */
export interface Line {
  send(command: TrackedCommand, receiver: Receiver): void;
}

/** One call of Redis. */
export interface Request {
  readonly name: string;
  readonly args: readonly string[];
  /** Decides the slot. Absent: the command has no key. */
  readonly key?: string | undefined;
  /** With EVALSHA: what is sent whole when Redis does not know it. Absent: a plain command. */
  readonly script: Script | undefined;
  readonly timeoutMs: number;
  readonly writing?: Writing | undefined;
  /** See {@link RunOptions.messageFirst}. */
  readonly messageFirst?: boolean | undefined;
  /** Nothing else is to be written in its turn. */
  readonly isAlone?: boolean | undefined;
}

export interface CallsParts {
  readonly wheel: TimerWheel;
  readonly breakers: Breakers;
  /** Resolves when commands can be sent; undefined: they can. @throws RouteError when they never will be */
  readonly whenReady: () => Promise<unknown> | undefined;
  /** Why none can be sent now. */
  readonly unavailable: () => RouteError;
  /** In a Cluster: looks where the slots are, before a command that was not sent is tried again. Absent: no second try. */
  readonly lookAgain: (() => void) | undefined;
}

/** Follows a call: what of it is shared by all of them. */
interface Control {
  readonly underWay: Chain<Flight>;
  /** Its command failed: it is sent once more, or that is its end. */
  readonly failed: (flight: Flight, error: unknown) => void;
}

/** A call under way: what was sent of it so far, and how it is settled. */
class Flight extends Chained implements Receiver {
  readonly request: Request;
  readonly line: Line;
  command: TrackedCommand | undefined;
  timer: Timer | undefined;
  /** Hears what becomes of it. Absent: it is run by a breaker, which hears by itself. */
  breaker: Breaker | undefined;
  isOver = false;
  readonly #control: Control;
  #resolve: ((reply: unknown) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;

  constructor(request: Request, line: Line, control: Control) {
    super();
    this.request = request;
    this.line = line;
    this.#control = control;
  }

  get mayHaveRun(): boolean {
    return this.command?.mayHaveRun === true;
  }

  settledBy(resolve: (reply: unknown) => void, reject: (error: unknown) => void): void {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  answered(reply: unknown): void {
    if (this.isOver) return; // too late to count as an answer
    this.#end();
    this.command?.release();
    this.breaker?.answered();
    this.#resolve?.(reply);
  }

  failed(error: unknown): void {
    this.#control.failed(this, error);
  }

  /** What was not written yet never will be. */
  fail(error: unknown): void {
    this.#end();
    this.command?.abandon();
    if (this.breaker === undefined) this.#reject?.(error);
    else void this.#failCounted(this.breaker, error);
  }

  async #failCounted(breaker: Breaker, error: unknown): Promise<void> {
    const told = errorOf(error, this);
    await breaker.failed(error);
    this.#reject?.(told);
  }

  #end(): void {
    this.isOver = true;
    this.timer?.cancel();
    this.#control.underWay.delete(this);
  }
}

/** Sends commands to Redis so that each settles within its deadline, as a RouteError that says what is known of its effect. */
export class Calls {
  readonly #parts: CallsParts;
  readonly #underWay = new Chain<Flight>();
  readonly #control: Control = {
    underWay: this.#underWay,
    failed: (flight, error) => this.#failed(flight, error),
  };
  sent = 0;

  constructor(parts: CallsParts) {
    this.#parts = parts;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  /**
   * @param server whose circuit breaker watches the call
   * @throws RouteError, see {@link Connection.run}
   */
  call(request: Request, line: Line, server: string): Promise<unknown> {
    const { breakers, unavailable } = this.#parts;
    const breaker = breakers.of(server);
    const flight = new Flight(request, line, this.#control);
    // The breaker sees what ioredis says: an answer that refuses is an answer.
    if (!breaker.isCalm) {
      return breaker
        .run(() => this.#fly(flight), unavailable)
        .catch((error: unknown) => {
          throw errorOf(error, flight);
        });
    }
    // While all goes well it hears only of what doesn't: to be run by it costs a call several promises.
    flight.breaker = breaker;
    return this.#fly(flight);
  }

  /** All calls under way end with CLOSED. */
  close(): void {
    for (const flight of this.#underWay.toArray()) {
      const outcome = flight.mayHaveRun ? "unknown" : "not-applied";
      flight.fail(new RouteError("CLOSED", `${whatOf(flight.request)}: the executor was closed`, { outcome }));
    }
  }

  #fly(flight: Flight): Promise<unknown> {
    return new Promise((resolve, reject) => {
      flight.settledBy(resolve, reject);
      this.#underWay.add(flight);
      this.#attempt(flight);
      // After it was sent: Redis need not wait for this.
      if (!flight.isOver) {
        flight.timer = this.#parts.wheel.setTimer(flight.request.timeoutMs, () => flight.fail(this.#late(flight)));
      }
    });
  }

  #attempt(flight: Flight): void {
    if (flight.isOver) return;
    try {
      const ready = this.#parts.whenReady();
      if (ready === undefined) this.#write(flight, flight.request.name, flight.request.args);
      else void ready.then(() => this.#attempt(flight));
    } catch (error) {
      flight.fail(error);
    }
  }

  #write(flight: Flight, name: string, args: readonly string[]): void {
    const { key, writing, messageFirst, isAlone: isHurried = false } = flight.request;
    const isRedirected = this.#parts.lookAgain !== undefined;
    // Redis writes first to whom it had something for last: owed an answer already, the publisher comes after its subscribers.
    if (messageFirst === true) flight.line.send(new TrackedCommand("ping", [], { key }), UNHEARD);
    const command = new TrackedCommand(name, args, { key, isRedirected, writing, isHurried });
    flight.command = command;
    this.sent += 1;
    flight.line.send(command, flight);
  }

  #failed(flight: Flight, error: unknown): void {
    const { lookAgain, wheel } = this.#parts;
    const { script, args, name } = flight.request;
    if (flight.isOver) return;
    if (script !== undefined && name === "evalsha" && isUnknownScript(error) && flight.command?.name === name) {
      this.#write(flight, "eval", [script.source, ...args.slice(1)]);
    } else if (lookAgain !== undefined && !flight.mayHaveRun && !isAnswer(error) && !RouteError.is(error)) {
      // A node of the Cluster that is just being connected, or has gone: its slots may be elsewhere by now.
      lookAgain();
      wheel.setTimer(AGAIN_MS, () => this.#attempt(flight));
    } else flight.fail(error);
  }

  #late({ request, mayHaveRun }: Flight): RouteError {
    if (!mayHaveRun) return this.#parts.unavailable();
    const message = `${whatOf(request)}: Redis did not answer within ${request.timeoutMs} ms`;
    return new RouteError("TIMEOUT", message, { outcome: "unknown" });
  }
}

/** Of a command whose answer nobody waits for. */
const UNHEARD: Receiver = { answered: () => undefined, failed: () => undefined };

function errorOf(error: unknown, { request, mayHaveRun }: Flight): RouteError {
  const { script } = request;
  const text = error instanceof Error ? error.message : "";
  if (script !== undefined && isAnswer(error) && isPermission(text) && text.startsWith("ERR "))
    return missingPermission(script, refusedCommandOf(script, text));
  return toRouteError(error, whatOf(request), mayHaveRun);
}

/** What was asked for, in words of ours. */
function whatOf({ name, script }: Request): string {
  return script === undefined ? name.toUpperCase() : `script ${script.name}`;
}
