import type { Cluster, Redis } from "ioredis";
import { hashSlotOf } from "./hash-slot.ts";
import { parseInfo } from "./server-info.ts";
import type { Receiver, TrackedCommand } from "./tracked-command.ts";
import type { ServerInfo, Transport, TransportEvents } from "./transport.ts";

const SLOTS = 16_384;
const nothing = (): void => undefined;

export interface ClusterTransportParts {
  readonly cluster: Cluster;
  /** Not made here: its nodes are asked for INFO when they are ready, and left open. */
  readonly isInjected: boolean;
  readonly events: TransportEvents;
  readonly password: () => string | undefined;
}

/**
 * The nodes of a Cluster. Each is connected as soon as it is known: a command for a node that is just being connected is
 * refused at once, instead of waiting in a queue that nobody bounds.
 */
export class ClusterTransport implements Transport {
  readonly kind = "cluster";
  readonly #cluster: Cluster;
  readonly #parts: ClusterTransportParts;
  readonly #watched = new WeakSet<Redis>();
  readonly #listeners: Readonly<Record<string, (value: unknown) => void>>;
  #wasReady = false;
  #isClosed = false;

  constructor(parts: ClusterTransportParts) {
    const { cluster, events } = parts;
    this.#cluster = cluster;
    this.#parts = parts;
    const look = (): void => this.#look();
    this.#listeners = {
      "+node": (node) => this.#watchNode(node as Redis),
      "-node": look,
      ready: look,
      close: look,
      refresh: () => {
        events.topology();
        this.#look();
      },
      error: (error: unknown) => events.failed(error),
      "node error": (error: unknown) => events.failed(error),
    };
    for (const [event, listener] of Object.entries(this.#listeners)) cluster.on(event, listener);
    for (const node of cluster.nodes()) this.#watchNode(node);
    if (cluster.status === "wait") cluster.connect().catch((error: unknown) => events.failed(error));
    queueMicrotask(look); // whoever made it has it by then
  }

  isReady(): boolean {
    return this.#cluster.status === "ready" && this.primaries().length > 0;
  }

  send(command: TrackedCommand, receiver: Receiver): void {
    command.send(this.#cluster, receiver);
  }

  groupOf(key: string): number {
    return hashSlotOf(key);
  }

  serverOf(key: string): string {
    return this.#cluster.slots[hashSlotOf(key)]?.[0] ?? "";
  }

  owners(): readonly string[] {
    return Array.from({ length: SLOTS }, (_, slot) => this.#cluster.slots[slot]?.[0] ?? "");
  }

  missing(): readonly string[] {
    const connected = new Set(this.primaries().map(addressOf));
    return [...new Set(this.owners())].filter((server) => !connected.has(server));
  }

  primaries(): readonly Redis[] {
    return this.#cluster.nodes("master").filter((node) => node.status === "ready");
  }

  lookAgain(): void {
    if (this.#cluster.status === "ready") this.#cluster.refreshSlotsCache(nothing);
  }

  close(): void {
    this.#isClosed = true; // for what its nodes tell
    for (const [event, listener] of Object.entries(this.#listeners)) this.#cluster.off(event, listener);
    if (this.#parts.isInjected) return;
    this.#cluster.on("error", nothing);
    this.#cluster.disconnect();
  }

  /** What the connector of a node heard before the node was ready. */
  hearInfo(info: ServerInfo, server: string): void {
    this.#parts.events.server(info, server);
  }

  #watchNode(node: Redis): void {
    if (this.#watched.has(node)) return;
    this.#watched.add(node);
    node.on("ready", () => void this.#welcome(node));
    node.on("end", () => this.#look());
    if (this.#parts.isInjected) {
      if (node.status === "ready") void this.#welcome(node);
      return;
    }
    const password = this.#parts.password();
    if (password !== undefined) node.options.password = password;
    // ioredis sends ASKING without looking at what becomes of it: lost with the connection it would end the process.
    const asking: () => Promise<"OK"> = node.asking.bind(node);
    node.asking = () => {
      const done = asking();
      done.catch(nothing);
      return done;
    };
    if (node.status === "wait") node.connect().catch(nothing); // told as "node error"
  }

  async #welcome(node: Redis): Promise<void> {
    if (this.#parts.isInjected && !this.#isClosed) {
      const info = await node.info().then(parseInfo, () => undefined);
      if (info !== undefined || node.status === "ready") this.hearInfo(info ?? {}, addressOf(node));
    }
    this.#look();
  }

  #look(): void {
    if (this.#isClosed) return;
    const isReady = this.isReady();
    if (isReady !== this.#wasReady) {
      this.#wasReady = isReady;
      if (isReady) this.#parts.events.ready();
      else this.#parts.events.lost();
    } else if (isReady) this.#parts.events.topology();
  }
}

const addressOf = ({ options }: Redis): string => `${options.host}:${options.port}`;
