import type { Socket } from "node:net";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { RedisServer } from "@podlink/testkit/redis";
import { defer } from "@podlink/types";

/** A command as Redis carried it out. */
export interface Command {
  /** By the clock of `performance.now()`; grows strictly. */
  readonly atMs: number;
  readonly words: readonly string[];
  /** It is part of the script that stands before it. */
  readonly inScript: boolean;
}

/** What happens until it is back, nobody saw. In ms. */
const BACK_AFTER_MS = 10;
const LINE = /^\+(\d+\.\d+) \[\d+ (\S+)\] (.*)$/;
const WORD = /"((?:[^"\\]|\\.)*)"/g;

/**
 * Hears every command of a server in the order in which it was carried out (MONITOR), whatever befalls the server meanwhile. Not by
 * ioredis: there the first commands may overtake the answer to MONITOR, which it takes for a broken stream.
 */
export async function commandsOf(server: RedisServer, hear: (command: Command) => void): Promise<{ close(): void }> {
  const watches = defer<void>();
  let isClosed = false;
  let lastMs = 0;
  let socket: Socket;
  const listen = (): void => {
    if (isClosed) return;
    socket = connect(server.path);
    socket.write("AUTH watcher watcher\r\nMONITOR\r\n");
    socket.on("error", () => undefined); // it comes back by itself
    socket.on("close", () => setTimeout(listen, BACK_AFTER_MS));
    let answers = 0; // to AUTH, and to MONITOR
    const lines = createInterface({ input: socket });
    lines.on("error", () => undefined); // the same as the socket's
    lines.on("line", (line) => {
      const [, time, source, words = ""] = LINE.exec(line) ?? [];
      if (time === undefined) {
        if (line === "+OK" && (answers += 1) === 2) watches.resolve();
        return;
      }
      lastMs = Math.max(lastMs + 0.0001, Number(time) * 1000 - performance.timeOrigin);
      hear({
        atMs: lastMs,
        words: Array.from(words.matchAll(WORD), ([, word = ""]) => unescaped(word)),
        inScript: source === "lua",
      });
    });
  };
  listen();
  await watches.promise;
  return {
    close() {
      isClosed = true;
      socket.destroy();
    },
  };
}

const unescaped = (word: string): string =>
  word.replaceAll(/\\(x[0-9a-f]{2}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(parseInt(code.slice(1), 16)) : (CONTROLS[code] ?? code),
  );
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\u0007", b: "\b" };
