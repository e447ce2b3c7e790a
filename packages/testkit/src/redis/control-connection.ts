import type { Socket } from "node:net";
import { createConnection } from "node:net";
import { outsideTests } from "../process/outside-tests.ts";
import { harnessUser } from "./harness-user.ts";
import type { Reply } from "./reply.ts";
import { ReplyReader, RedisReplyError, encodeCommand } from "./reply.ts";

const REPLY_WITHIN_MS = 10_000;

const greeting = [
  ["AUTH", harnessUser.name, harnessUser.password],
  ["CLIENT", "SETNAME", harnessUser.name],
];

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** The harness's own connection to one server, over its unix socket; made when needed, made again when it broke. */
export class ControlConnection {
  readonly #path: string;
  #open: OpenConnection | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async send(words: readonly (string | number)[]): Promise<Reply> {
    const open = this.#usable();
    try {
      return await open.send(words);
    } catch (error) {
      if (!wasNotRead(error, open.hadOne)) throw error;
      return this.#usable().send(words); // killed by the server, which was not noticed yet
    }
  }

  /** What waits for a reply is rejected. */
  close(): void {
    this.#open?.close(new Error("The harness closed its connection to redis-server"));
    this.#open = undefined;
  }

  #usable(): OpenConnection {
    if (this.#open?.usable) return this.#open;
    const open = outsideTests(() => new OpenConnection(this.#path));
    for (const command of greeting) open.send(command).catch((error: unknown) => open.close(error as Error));
    this.#open = open;
    return open;
  }
}

/**
 * Whether the server has not read a command, so that it is safe to say again: it had closed before that was written (EPIPE), or
 * closed with something unread (ECONNRESET of a unix socket; see unix(7)), which was that command if no other was under way.
 */
function wasNotRead(error: unknown, wasAlone: boolean): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EPIPE" || (code === "ECONNRESET" && wasAlone);
}

class OpenConnection {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  usable = true;
  /** Whether a single command waited for its reply when it closed. */
  hadOne = false;

  constructor(path: string) {
    const reader = new ReplyReader();
    this.#socket = createConnection(path).unref();
    this.#socket.on("data", (chunk) => {
      for (const reply of reader.read(chunk)) {
        const waiting = this.#waiting.shift();
        if (reply instanceof RedisReplyError) waiting?.reject(reply);
        else waiting?.resolve(reply);
      }
    });
    this.#socket.on("error", (error) => this.close(error));
    this.#socket.on("close", () => this.close(new Error("redis-server closed the connection")));
  }

  send(words: readonly (string | number)[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => this.close(new Error(`redis-server did not answer ${words[0]} within ${REPLY_WITHIN_MS} ms`)),
        REPLY_WITHIN_MS,
      );
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(late);
          how(value);
        };
      this.#waiting.push({ resolve: settle(resolve), reject: settle(reject) });
      this.#socket.write(encodeCommand(words));
    });
  }

  /** What waits for a reply hears of it. */
  close(error: Error): void {
    if (this.usable) this.hadOne = this.#waiting.length === 1;
    this.usable = false;
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
