import { pino } from "pino";
import { roomFromEnvironment } from "./environment.ts";
import { startRoom } from "./room-server.ts";

const logger = pino({ level: process.env["LOG_LEVEL"] ?? "info" });

try {
  const room = await startRoom({ ...roomFromEnvironment(process.env), logger });
  // The first signal drains, the second hurries. The process ends by itself when nothing is left open.
  const stop = (): void => {
    room.stop().catch((error: unknown) => {
      logger.error({ error: error instanceof Error ? error.message : String(error) }, "the drain failed");
      process.exitCode = 1;
    });
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  // The level of the logs while it runs: debug and back.
  const configured = logger.level;
  process.on("SIGUSR2", () => (logger.level = logger.level === "debug" ? configured : "debug"));
} catch (error) {
  logger.fatal({ error: error instanceof Error ? error.message : String(error) }, "the room could not start");
  process.exitCode = 1;
}
