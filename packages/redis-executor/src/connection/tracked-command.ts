import { RouteError } from "@podlink/types";
import { Command } from "ioredis";
import { asciiCommand } from "./ascii-command.ts";
import { hurry } from "./corked-connector.ts";
import { hashSlotOf } from "./hash-slot.ts";
import { provesNotRun, saysKeysAreApart } from "./ioredis-errors.ts";
import type { Writing } from "./ports.ts";

/** Written in the place of a command that nobody waits for any more: its answer keeps the answers in step. */
const PING = "*1\r\n$4\r\nPING\r\n";

/** Hears what became of a command, once. */
export interface Receiver {
  /** In the very turn in which the answer is read. */
  answered(reply: unknown): void;
  /** In a turn of promises of its own: who hears it may send again. */
  failed(error: unknown): void;
}

/** What sends a command: a client of ioredis, of one server or a Cluster. */
interface Sender {
  sendCommand(command: Command): unknown;
}

export interface TrackedCommandOptions {
  /** Decides the slot. Absent: the command has no key. */
  readonly key?: string | undefined;
  /** Whether a Cluster client may send it to one node after the other. Default false. */
  readonly isRedirected?: boolean;
  /** Whether it leaves as it is written, instead of with others of its turn. Default false. */
  readonly isHurried?: boolean;
  /** Where it doesn't let it begin, the command is rejected with CANCELLED. */
  readonly writing?: Writing | undefined;
}

const UTF8 = { replyEncoding: "utf8" } as const;

/**
 * A command that is executed at most once, whatever queue or repetition of ioredis it goes through, and knows whether it may
 * have been.
 */
export class TrackedCommand extends Command {
  /** False: it was never written to a socket, or each time Redis answered that it did not execute it. */
  mayHaveRun = false;
  readonly #key: string | undefined;
  readonly #isRedirected: boolean;
  readonly #isHurried: boolean;
  #writing: Writing | undefined;
  #receiver: Receiver | undefined;
  #isAbandoned = false;

  constructor(name: string, args: readonly string[], options: TrackedCommandOptions = {}) {
    super(name, [], UTF8);
    this.args = args as string[]; // as they are: text already, and as long as a batch
    this.#key = options.key;
    this.#isRedirected = options.isRedirected ?? false;
    this.#isHurried = options.isHurried ?? false;
    this.#writing = options.writing;
  }

  send(client: Sender, receiver: Receiver): void {
    this.#receiver = receiver;
    client.sendCommand(this);
    if (this.#isRedirected) this.#watchRefusals();
    this.promise.then(undefined, (error: unknown) => receiver.failed(error));
  }

  /** Called by ioredis as it resolves the command: whoever waits for the reply need not wait for that promise too. */
  override transformReply(result: Parameters<Command["transformReply"]>[0]): ReturnType<Command["transformReply"]> {
    const reply = super.transformReply(result);
    this.#receiver?.answered(reply);
    return reply;
  }

  /**
   * A Cluster client puts its redirections in the place of `reject` as it takes a command; no answer has come by then. In
   * front of them every refusal passes here first. (With an accessor in that place V8 makes a hidden class for each command.)
   */
  #watchRefusals(): void {
    const { reject } = this;
    this.reject = (error) => {
      if (this.mayHaveRun && provesNotRun(error)) {
        this.mayHaveRun = false;
        this.#writing?.refused(saysKeysAreApart(error));
      }
      reject.call(this, error);
    };
  }

  /** Nobody waits for it any more: if it has not been written yet, it never is. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#writing = undefined;
  }

  /**
   * It was answered, and keeps nothing of what it carried. In code that is not optimized, V8 makes a function that is assigned
   * to a property old from the start. Each command has one, and what an old object holds outlives every young collection.
   */
  release(): void {
    this.#writing = undefined;
    this.#receiver = undefined;
    this.args = [];
  }

  /** By its first key: ioredis looks at all of them. */
  override getSlot(): number {
    return this.#key === undefined ? super.getSlot() : hashSlotOf(this.#key);
  }

  /** Whoever sends it has a deadline of his own; a timer for each command costs as much as writing it. */
  override setTimeout(): void {
    // The answer, or the end of the connection, settles it, however late: its caller doesn't wait for that.
  }

  /** Called by ioredis when it writes the command, and only then. */
  override toWritable(socket: object): string | Buffer {
    if (this.#isAbandoned) return PING;
    if (this.mayHaveRun) {
      // Its connection was lost after it was written, and ioredis would send it again.
      this.reject(new Error("The connection was lost before the answer came"));
      return PING;
    }
    if (this.#writing?.begin() === false) {
      this.reject(new RouteError("CANCELLED", "it is not wanted any more", { outcome: "not-applied" }));
      return PING;
    }
    this.mayHaveRun = true;
    if (this.#isHurried) hurry(socket);
    return asciiCommand(this.name, this.args as readonly string[]) ?? super.toWritable(socket);
  }
}
