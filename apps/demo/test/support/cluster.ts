import type { Gateway } from "@podlink/gateway";
import { startGateway } from "@podlink/gateway";
import { MemoryExecutor } from "@podlink/memory-executor";
import type { RoomServer } from "@podlink/stateful-server";
import { MemorySessionStore, startRoom } from "@podlink/stateful-server";
import type { PodReport } from "@podlink/types";
import type { Podlink } from "podlink";
import { connect } from "podlink";
import { clientWith, routesWith, serverWith, times } from "./times.ts";

const server = serverWith(times);
const routes = routesWith(times);
const client = clientWith(times);

/** Gateways and pods with real listeners over one store, in this process. */
export class Cluster implements AsyncDisposable {
  readonly store: MemoryExecutor = new MemoryExecutor();
  readonly sessionStore: MemorySessionStore = new MemorySessionStore();
  readonly rooms = new Map<number, RoomServer>();
  readonly gateways: Gateway[] = [];
  readonly #connections: Podlink[] = [];

  static async start(sizes: { readonly pods: number; readonly gateways?: number }): Promise<Cluster> {
    const cluster = new Cluster();
    for (let podIndex = 0; podIndex < sizes.pods; podIndex += 1) await cluster.addRoom(podIndex);
    for (let count = 0; count < (sizes.gateways ?? 1); count += 1) await cluster.addGateway();
    return cluster;
  }

  async addRoom(podIndex: number): Promise<RoomServer> {
    const room = await startRoom({
      sessionStore: this.sessionStore,
      pod: { store: this.store, namespace: "test", service: "room", podIndex, server, routes },
    });
    this.rooms.set(podIndex, room);
    return room;
  }

  async addGateway(): Promise<Gateway> {
    const podlink = await connect({ store: this.store, namespace: "test", client, routes });
    const gateway = await startGateway({ podlink, port: 0, logLevel: "silent" });
    this.#connections.push(podlink);
    this.gateways.push(gateway);
    return gateway;
  }

  url(gateway = 0): string {
    return `http://127.0.0.1:${this.gateways[gateway]?.port}`;
  }

  room(podIndex: number): RoomServer {
    const room = this.rooms.get(podIndex);
    if (room === undefined) throw new Error(`no pod ${podIndex}`);
    return room;
  }

  /** The pods as a gateway sees them. */
  async pods(gateway = 0): Promise<(PodReport & { podIndex: number; incarnation: number })[]> {
    const response = await fetch(`${this.url(gateway)}/s/room/pods`);
    return (await response.json()) as (PodReport & { podIndex: number; incarnation: number })[];
  }

  /** Waits until a gateway sees what is asked for. */
  async until(what: string, holds: () => Promise<boolean> | boolean, withinMs = 20_000): Promise<void> {
    const end = performance.now() + withinMs;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.rooms.values(), (room) => room.stop({ deadlineMs: 1000 })));
    await Promise.all(this.gateways.map((gateway) => gateway.close({ deadlineMs: 1000 })));
    await Promise.all(this.#connections.map((podlink) => podlink.close()));
    await this.store.close();
  }
}
