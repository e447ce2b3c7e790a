// One gateway or pod as a process of its own, with the times of tests. Arguments: "gateway", or "room" and the pod index.
import { startGateway } from "@podlink/gateway";
import { RedisSessionStore, startRoom } from "@podlink/stateful-server";
import { silentLogger } from "@podlink/types";
import { connect } from "podlink";
import { clientWith, processTimes, routesWith, serverWith } from "./times.ts";

const routes = routesWith(processTimes);
const [app, podIndex] = process.argv.slice(2);
const url = process.env["REDIS_URL"] ?? "";
const namespace = "test";
process.once("disconnect", () => process.exit(1)); // the test is over

if (app === "gateway") {
  const podlink = await connect({
    redis: url,
    namespace,
    client: clientWith(processTimes),
    routes,
    logger: silentLogger,
  });
  const gateway = await startGateway({ podlink, port: 0, logLevel: "silent", services: ["room"] });
  process.send?.({ url: gateway.url });
} else {
  const sessionStore = new RedisSessionStore({ url, namespace, service: "room", logger: silentLogger });
  const pod = { redis: url, namespace, podIndex: Number(podIndex), server: serverWith(processTimes), routes };
  const room = await startRoom({ sessionStore, pod });
  process.send?.({ url: room.url });
}
