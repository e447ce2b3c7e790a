import type { Gateway } from "@podlink/gateway";
import { startGateway } from "@podlink/gateway";
import type { RoomServer } from "@podlink/stateful-server";
import { MemorySessionStore, startRoom } from "@podlink/stateful-server";
import { MemoryExecutor } from "@podlink/memory-executor";
import { connect } from "podlink";
import type { DemoOptions } from "./options.ts";

/** A gateway and its pods, running. */
export interface Demo {
  readonly gateway: Gateway;
  readonly rooms: readonly RoomServer[];
  /** Drains the pods, then ends the gateway. A second call hurries. */
  stop(): Promise<void>;
}

/** Short enough that Ctrl-C ends the demo within 5 s; a deployment takes the defaults. */
const drain = { heartbeatIntervalMs: 500, propagationMs: 300, handOffTimeoutMs: 1000, stop: { deadlineMs: 3000 } };

/** Starts the gateway and the pods in this process, over one store that they share. @throws RouteError CONFIG */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const store = new MemoryExecutor();
  const sessionStore = new MemorySessionStore();
  const namespace = "demo";
  const podlink = await connect({ store, namespace });
  const gateway = await startGateway({ podlink, port: options.port, services: ["room"], logLevel: "warn" });
  const rooms: RoomServer[] = [];
  const stop = async (): Promise<void> => {
    // The gateway last: requests that pods hold while they hand over still get their answers.
    await Promise.all(rooms.map((room) => room.stop()));
    await gateway.close({ deadlineMs: 1000 });
    await podlink.close();
    await store.close();
  };
  try {
    for (let podIndex = 0; podIndex < options.pods; podIndex += 1) {
      const pod = { store, namespace, service: "room", podIndex, server: drain };
      rooms.push(await startRoom({ sessionStore, pod }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { gateway, rooms, stop };
}
