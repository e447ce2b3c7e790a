import type { IncomingMessage } from "node:http";
import type { Clock, Logger } from "@podlink/types";
import { keepAliveUntil, silentLogger, sleep, systemClock } from "@podlink/types";
import type { Pod } from "podlink";
import { joinAsPod } from "podlink";
import type { Listener } from "./listener.ts";
import { listen } from "./listener.ts";
import { liveUpgrade } from "./live.ts";
import { CLOSE, LiveSockets } from "./live-sockets.ts";
import { sharedMemorySessionStore } from "./memory-session-store.ts";
import type { RoomLimits, RoomOptions } from "./options.ts";
import { parseLimits } from "./options.ts";
import { roomHandler } from "./room-handler.ts";
import { Room } from "./room.ts";
import { Rooms } from "./rooms.ts";
import { routeOf } from "./routes.ts";

/** One running pod of the room service. */
export interface RoomServer {
  /** Where it listens, "http://127.0.0.1:40001". */
  readonly url: string;
  readonly port: number;
  readonly pod: Pod;
  /** Drains: rooms are moved, sockets told to come back, then everything is closed. Idempotent; a second call hurries. */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Ends as a killed process does: listener, sockets and heartbeats are cut at once, and nobody is told. For tests. */
  kill(): Promise<void>;
}

/** Starts one pod of the sample service: it listens, has joined and is ready when this resolves. @throws RouteError CONFIG */
export async function startRoom(options: RoomOptions = {}): Promise<RoomServer> {
  const { pod: join, sessionStore = sharedMemorySessionStore(), ...rest } = options;
  const { logger = silentLogger, clock = systemClock, ...limitsGiven } = rest;
  const limits = parseLimits(limitsGiven);
  const listener = await listen(limits);
  try {
    const server = { ...join?.server, metadata: { pid: String(process.pid), ...join?.server?.metadata } };
    const anywhere = limits.host === "0.0.0.0" || limits.host === "::"; // then the pod's own address is asked from outside
    const http = { port: limits.advertisedPort ?? listener.port, ...(anywhere ? undefined : { host: limits.host }) };
    const pod = await joinAsPod({ service: "room", ...join, server, http, logger, clock });
    return await serve({ pod, sessionStore, limits, logger, clock, listener });
  } catch (error) {
    await listener.close(clock);
    throw error;
  }
}

interface Parts {
  readonly pod: Pod;
  readonly sessionStore: NonNullable<RoomOptions["sessionStore"]>;
  readonly limits: RoomLimits;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly listener: Listener;
}

async function serve({ pod, sessionStore: store, limits, logger, clock, listener }: Parts): Promise<RoomServer> {
  const sockets = new LiveSockets(limits, clock);
  const sessions = pod.sessions<Room>({
    load: (uid, context) => Room.load(uid, context, { store, push: (changes) => sockets.push(uid, changes) }),
    isBusy: (uid) => sockets.has(uid),
    idleMs: limits.idleMs,
    logger,
    clock,
  });
  pod.driver.onPeriod((event) => {
    if (event.kind !== "ended") return;
    sockets.endPeriod(event.uid, event.reason === "stopped" ? CLOSE.goingAway : CLOSE.comeBack);
  });
  const rooms = new Rooms(sessions);
  const guard = pod.guard({ uid: uidOf });
  const upgrade = liveUpgrade({ rooms, sockets, guard, limits, logger });
  listener.server.on("upgrade", (req, socket, head) => void upgrade(req, socket, head));
  listener.handle(roomHandler({ pod, rooms, guard, limits, clock, logger }));
  pod.ready();
  logger.info({ ...pod.identity, port: listener.port }, "the room is ready");

  let stopped: Promise<void> | undefined;
  const finish = async (drained: Promise<void>): Promise<void> => {
    try {
      await drained;
    } finally {
      sockets.closeAll(CLOSE.goingAway);
      await sleep(limits.lingerMs, { clock });
      await listener.close(clock);
      logger.info({ port: listener.port }, "the room has stopped");
    }
  };
  return {
    url: listener.url,
    port: listener.port,
    pod,
    stop(stopOptions) {
      const drained = pod.stop(stopOptions); // again while it drains: hurries
      stopped ??= keepAliveUntil(finish(drained));
      return stopped;
    },
    async kill() {
      stopped ??= Promise.resolve();
      listener.cut();
      await pod.driver.close();
      await pod.stop(); // nothing is left to drain; closes what is beside the driver
      sockets.closeAll(CLOSE.goingAway);
    },
  };
}

function uidOf(req: IncomingMessage): string | undefined {
  const route = routeOf(req.url);
  return route?.kind === "room" ? route.uid : undefined;
}
