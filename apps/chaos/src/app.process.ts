// A gateway or pod of the run as a process of its own: "gateway", or "room" and the pod index; where everything is, its environment says.
import { startGateway } from "@podlink/gateway";
import { RedisExecutor } from "@podlink/redis-executor";
import { RedisSessionStore, startRoom } from "@podlink/stateful-server";
import type { Logger } from "@podlink/types";
import { silentLogger } from "@podlink/types";
import { connect } from "podlink";
import { NAMESPACE, SERVICE } from "./names.ts";
import { serveProbe } from "./probe.ts";
import { times } from "./times.ts";

const [app, podIndex] = process.argv.slice(2);
const {
  REDIS_URL = "",
  SESSION_REDIS_URL = "",
  PORT = "",
  ADVERTISED_PORT = "",
  PROBE = "",
  HOLD_MS = "0",
} = process.env;

const { heartbeatIntervalMs, leaseMs, leaseMarginMs, graceMs, ratePerSecond, responseTimeoutMs } = times;
const routes = { stateRefreshMs: 100, silenceMs: 2 * heartbeatIntervalMs + 50, slowStartMs: 1000 };
const client = {
  leaseMs,
  leaseMarginMs,
  failover: { graceMs, ratePerSecond },
  notReadyHandOverMs: 3000,
  panicMs: 2 * leaseMs,
};
const server = {
  heartbeatIntervalMs,
  leaseMs,
  leaseMarginMs,
  propagationMs: 200,
  handOffTimeoutMs: 500,
  notReadyHandOverMs: 3000,
  verifyIntervalMs: 1000,
  cpuFactor: 0, // pods share this machine's processor with the load: it would tell nothing
};

/** Into the log that the supervisor keeps: what a failed run is understood by. */
const say = (level: string) => (fields: object, message: string) => {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields })}\n`);
};
const logger: Logger = { ...silentLogger, info: say("info"), warn: say("warn"), error: say("error") };
// Ours, and not made by podlink from a URL, so that its figures can be read.
const store = new RedisExecutor({ url: REDIS_URL, logger });

function stopBy(stop: () => Promise<void>): void {
  process.on("SIGTERM", () => {
    stop().catch((error: unknown) => {
      say("fatal")({ error: String(error) }, "the stop failed");
      process.exitCode = 1;
    });
  });
}

if (app === "gateway") {
  const podlink = await connect({ store, namespace: NAMESPACE, client, routes, logger });
  const gateway = await startGateway({
    podlink,
    port: Number(PORT),
    logLevel: "warn",
    services: [SERVICE],
    proxy: { responseTimeoutMs, holdMs: Number(HOLD_MS) },
  });
  const probe = await serveProbe(PROBE, () => ({
    podlink: podlink.read(),
    store: store.read(),
    proxy: gateway.read(),
  }));
  stopBy(async () => {
    await gateway.close();
    await podlink.close();
    await store.close();
    probe.close();
  });
  process.send?.({ url: gateway.url });
} else {
  const sessionStore = new RedisSessionStore({
    url: SESSION_REDIS_URL,
    namespace: NAMESPACE,
    service: SERVICE,
    logger,
  });
  const room = await startRoom({
    sessionStore,
    port: Number(PORT),
    advertisedPort: Number(ADVERTISED_PORT),
    pod: { store, namespace: NAMESPACE, podIndex: Number(podIndex), server, routes },
    logger,
  });
  const probe = await serveProbe(PROBE, () => ({ pod: room.pod.read(), store: store.read() }));
  stopBy(async () => {
    await room.stop();
    await sessionStore.close();
    await store.close();
    probe.close();
  });
  process.send?.({ url: room.url });
}
