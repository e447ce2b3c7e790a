import { RouteError } from "@podlink/types";
import { Command } from "ioredis";
import { provesNotRun, saysKeysAreApart } from "./ioredis-errors.ts";
import type { Writing } from "./ports.ts";

/** Written in the place of a command that nobody waits for any more: its answer keeps the answers in step. */
const PING = "*1\r\n$4\r\nPING\r\n";

/** What sends a command: a client of ioredis, of one server or a Cluster. */
interface Sender {
  sendCommand(command: Command): unknown;
}

/**
 * A command that is executed at most once, whatever queue or repetition of ioredis it goes through, and knows whether it may
 * have been.
 */
export class TrackedCommand extends Command {
  /** False: it was never written to a socket, or each time Redis answered that it did not execute it. */
  mayHaveRun = false;
  #writing: Writing | undefined;
  #isAbandoned = false;

  /**
   * @param way whether a Cluster client may send it to one node after the other
   * @param writing where it doesn't let it begin, it is rejected with CANCELLED
   */
  constructor(name: string, args: readonly (string | number)[], way: "direct" | "redirected", writing?: Writing) {
    super(name, args as (string | number)[], { replyEncoding: "utf8" }); // which makes a list of its own
    this.#writing = writing;
    if (way === "redirected") this.#watchRefusals();
  }

  #watchRefusals(): void {
    // A Cluster client puts its redirections in the place of `reject`. Under them every refusal passes here first.
    let reject = this.reject;
    Object.defineProperty(this, "reject", {
      get: () => reject,
      set: (next: (error: Error) => void) => {
        reject = (error) => {
          if (this.mayHaveRun && provesNotRun(error)) {
            this.mayHaveRun = false;
            this.#writing?.refused(saysKeysAreApart(error));
          }
          next(error);
        };
      },
    });
  }

  /** Asked for by ioredis where it has a `commandTimeout`: a timer for each command. The deadline of its call is on the wheel. */
  override setTimeout(): void {}

  send(client: Sender): Promise<unknown> {
    client.sendCommand(this);
    return this.promise as Promise<unknown>;
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
    this.args = [];
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
    return super.toWritable(socket);
  }
}
