import type { RedisServer } from "@podlink/testkit/redis";
import { Redis } from "ioredis";

/** A command as Redis carried it out. */
export interface Command {
  /** By the clock of `performance.now()`; grows strictly. */
  readonly atMs: number;
  readonly words: readonly string[];
  /** It is part of the script that stands before it. */
  readonly inScript: boolean;
}

/** Hears every command of a server in the order in which it was carried out (MONITOR), whatever befalls the server meanwhile. */
export async function commandsOf(server: RedisServer, hear: (command: Command) => void): Promise<{ close(): void }> {
  const redis = new Redis({
    path: server.path,
    username: "watcher",
    password: "watcher",
    retryStrategy: () => 10, // what happens until it is back, nobody saw
    maxRetriesPerRequest: null,
  });
  redis.on("error", () => undefined); // it comes back by itself
  const monitor = await redis.monitor();
  redis.disconnect();
  monitor.on("error", () => undefined);
  let lastMs = 0;
  monitor.on("monitor", (time: string, words: string[], source: string) => {
    lastMs = Math.max(lastMs + 0.0001, Number(time) * 1000 - performance.timeOrigin);
    hear({ atMs: lastMs, words, inScript: source === "lua" });
  });
  return { close: () => monitor.disconnect() };
}
