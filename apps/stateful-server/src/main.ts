import { programLog } from "@podlink/log";
import { roomFromEnvironment, sessionStoreFromEnvironment } from "./environment.ts";
import type { RedisSessionStore } from "./redis-session-store.ts";
import { startRoom } from "./room-server.ts";

const logger = programLog({ level: process.env["LOG_LEVEL"] ?? "info" });
let sessionStore: RedisSessionStore | undefined;

try {
  const options = roomFromEnvironment(process.env);
  sessionStore = sessionStoreFromEnvironment(process.env, options, logger);
  const room = await startRoom({ ...options, ...(sessionStore && { sessionStore }), logger });
  // The first signal drains, the second hurries. The process ends by itself when nothing is left open.
  let stopped: Promise<void> | undefined;
  const stop = (): void => {
    const drained = room.stop();
    stopped ??= drained.catch((error: unknown) => fail(error, "the drain failed")).then(() => sessionStore?.close());
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  // The level of the logs while it runs: debug and back.
  const configured = logger.level;
  process.on("SIGUSR2", () => (logger.level = logger.level === "debug" ? configured : "debug"));
  process.send?.({ url: room.url }); // to the process that started this one and asked for it, as the demo does
} catch (error) {
  await sessionStore?.close();
  fail(error, "the room could not start");
}

function fail(error: unknown, message: string): void {
  logger.fatal({ error: error instanceof Error ? error.message : String(error) }, message);
  process.exitCode = 1;
}
