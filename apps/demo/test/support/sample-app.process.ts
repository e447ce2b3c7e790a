// A gateway or pod as a process of its own, with the times that its environment says: "gateway", or "room" and the pod index.
import { startGateway } from "@podlink/gateway";
import { RedisSessionStore, startRoom } from "@podlink/stateful-server";
import type { Logger } from "@podlink/types";
import { silentLogger } from "@podlink/types";
import { connect } from "podlink";
import type { Times } from "./times.ts";
import { clientWith, routesWith, serverWith } from "./times.ts";

const [app, podIndex] = process.argv.slice(2);
const { REDIS_URL: url = "", SESSION_REDIS_URL: sessionUrl = url, PORT = "0", TIMES = "", HOLD_MS = "0" } = process.env;
const times = JSON.parse(TIMES) as Times;
const routes = routesWith(times);
const namespace = "test";

/** Into the log that the supervisor keeps: what a failed run is understood by. */
const say = (level: string) => (fields: object, message: string) => {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields })}\n`);
};
const logger: Logger = { ...silentLogger, info: say("info"), warn: say("warn"), error: say("error") };

function stopBy(stop: () => Promise<void>): void {
  process.on("SIGTERM", () => {
    stop().catch((error: unknown) => {
      say("fatal")({ error: String(error) }, "the stop failed");
      process.exitCode = 1;
    });
  });
}

if (app === "gateway") {
  const podlink = await connect({ redis: url, namespace, client: clientWith(times), routes, logger });
  const proxy = { holdMs: Number(HOLD_MS) };
  const gateway = await startGateway({ podlink, port: Number(PORT), logLevel: "warn", services: ["room"], proxy });
  stopBy(async () => {
    await gateway.close();
    await podlink.close();
  });
  process.send?.({ url: gateway.url });
} else {
  const sessionStore = new RedisSessionStore({ url: sessionUrl, namespace, service: "room", logger });
  const pod = { redis: url, namespace, podIndex: Number(podIndex), server: serverWith(times), routes };
  const room = await startRoom({ sessionStore, pod, logger });
  stopBy(async () => {
    await room.stop();
    await sessionStore.close();
  });
  process.send?.({ url: room.url });
}
