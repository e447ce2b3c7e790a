import { ClusterNodes } from "./cluster-nodes.ts";
import type { RedisOptions } from "./redis-options.ts";
import { serverConf } from "./redis-conf.ts";
import type { RedisServer } from "./redis-server.ts";
import { endAll, startAll } from "./several.ts";
import type { SlotMove } from "./slot-move.ts";
import { beginSlotMove } from "./slot-move.ts";
import { startServer } from "./started-server.ts";

export interface ClusterOptions {
  /** How many masters share the 16384 slots. Default 3. */
  readonly masters?: number;
  /** How many replicas each master has. Default 0. */
  readonly replicas?: number;
  /** How long a node must be silent before the others believe it down, in milliseconds. Default 1000. */
  readonly nodeTimeoutMs?: number;
  /** For every node. */
  readonly server?: Omit<RedisOptions, "tls">;
}

/** A Redis Cluster. It takes 2 s to start: for so long a master that has just started refuses to serve. */
export interface RedisCluster extends AsyncDisposable {
  /** Where its nodes are, as clients are told. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** The masters first, then their replicas: the first of each master, the second of each. */
  readonly nodes: readonly RedisServer[];
  slotOf(key: string): Promise<number>;
  /** Whose the key or slot is now. */
  nodeOf(keyOrSlot: string | number): Promise<RedisServer>;
  /** Moves a slot and its keys to another master, as redis-cli does; resolves when every running node knows. */
  moveSlot(slot: number, to: RedisServer): Promise<void>;
  /** Half of that: the slot is MIGRATING on its node and IMPORTING on the other until you finish it. */
  beginMove(slot: number, to: RedisServer): Promise<SlotMove>;
  /** Resolves when every running node says `cluster_state:ok` and they agree on whose the slots are. */
  whenOk(): Promise<void>;
  end(): Promise<void>;
}

/** Resolves when every node serves and the replicas follow. */
export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, replicas = 0, nodeTimeoutMs = 1000, server = {} } = options;
  const conf = [
    ...serverConf(server),
    ["cluster-enabled", "yes"],
    ["cluster-node-timeout", nodeTimeoutMs],
    ["cluster-replica-validity-factor", 0], // a replica takes over however old its data
    ["cluster-allow-replica-migration", "no"], // and stays with its master
  ];
  const servers = await startAll(masters * (1 + replicas), () => startServer({ conf, password: server.password }));
  try {
    const nodes = new ClusterNodes(servers, masters);
    await nodes.form();
    return new StartedCluster(nodes);
  } catch (error) {
    await endAll(servers);
    throw error;
  }
}

class StartedCluster implements RedisCluster {
  readonly #nodes: ClusterNodes;

  constructor(nodes: ClusterNodes) {
    this.#nodes = nodes;
  }

  get nodes(): readonly RedisServer[] {
    return this.#nodes.servers;
  }

  get addresses(): { host: string; port: number }[] {
    return this.nodes.map(({ host, port }) => ({ host, port }));
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.#nodes.any().cli("CLUSTER", "KEYSLOT", key));
  }

  async nodeOf(keyOrSlot: string | number): Promise<RedisServer> {
    return this.#nodes.ownerOf(typeof keyOrSlot === "number" ? keyOrSlot : await this.slotOf(keyOrSlot));
  }

  async moveSlot(slot: number, to: RedisServer): Promise<void> {
    const move = await this.beginMove(slot, to);
    await move.finish();
  }

  beginMove(slot: number, to: RedisServer): Promise<SlotMove> {
    return beginSlotMove(this.#nodes, slot, to);
  }

  whenOk(): Promise<void> {
    return this.#nodes.whenOk();
  }

  async end(): Promise<void> {
    await endAll(this.nodes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
