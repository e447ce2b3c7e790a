import type { RedisServer } from "./redis-server.ts";
import type { Reply } from "./reply.ts";
import { fieldsOf } from "./reply-fields.ts";
import { until } from "./until.ts";

const SLOTS = 16_384;

/** The nodes of one Cluster, and what they say about each other. */
export class ClusterNodes {
  readonly servers: readonly RedisServer[];
  readonly #masters: number;

  constructor(servers: readonly RedisServer[], masters: number) {
    this.servers = servers;
    this.#masters = masters;
  }

  /** Makes a Cluster of nodes that don't know each other. */
  async form(): Promise<void> {
    const masters = this.servers.slice(0, this.#masters);
    await Promise.all(
      masters.map(async (node, index) => {
        // Different epochs from the start: else the nodes must sort that out among themselves.
        await node.cli("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
        const [from, to] = [index, index + 1].map((share) => Math.round((share * SLOTS) / masters.length));
        await node.cli("CLUSTER", "ADDSLOTSRANGE", from ?? 0, (to ?? 0) - 1);
      }),
    );
    // All pairs: gossip would get there too, but takes seconds.
    for (const node of this.servers)
      for (const { host, port } of this.servers) if (port !== node.port) await node.cli("CLUSTER", "MEET", host, port);
    await until("the nodes know each other", async () => {
      const infos = await Promise.all(this.servers.map((node) => clusterInfo(node)));
      return infos.every((info) => info["cluster_known_nodes"] === `${this.servers.length}`);
    });
    await this.#assignReplicas();
    await this.whenOk();
  }

  /** One that runs. */
  any(): RedisServer {
    const running = this.running()[0];
    if (running === undefined) throw new Error("No node of the Cluster runs");
    return running;
  }

  running(): RedisServer[] {
    return this.servers.filter(({ pid }) => pid !== undefined);
  }

  idOf(node: RedisServer): Promise<string> {
    return node.cli("CLUSTER", "MYID").then(String);
  }

  /** Whose the slot is, as one running node says. @throws Error when it is nobody's */
  async ownerOf(slot: number, asked: RedisServer = this.any()): Promise<RedisServer> {
    const port = portOf(slot, await asked.cli("CLUSTER", "SLOTS"));
    const owner = this.servers.find((node) => node.port === port);
    if (owner === undefined) throw new Error(`Slot ${slot} belongs to no node`);
    return owner;
  }

  async whenOk(): Promise<void> {
    await until("every node says cluster_state:ok, and all the same of the slots", async () => {
      const running = this.running();
      const infos = await Promise.all(running.map((node) => clusterInfo(node)));
      if (!infos.every((info) => info["cluster_state"] === "ok")) return false;
      const views = await Promise.all(running.map(async (node) => mapOf(await node.cli("CLUSTER", "SLOTS"))));
      return new Set(views).size === 1;
    });
  }

  async #assignReplicas(): Promise<void> {
    await Promise.all(
      this.servers.slice(this.#masters).map(async (node, index) => {
        const master = this.servers[index % this.#masters] as RedisServer;
        const id = await this.idOf(master);
        await until("a replica knows its master", async () => (await node.cli("CLUSTER", "REPLICATE", id)) === "OK");
        await until("a replica follows", async () => {
          return (await node.info("replication"))["master_link_status"] === "up";
        });
      }),
    );
  }
}

const clusterInfo = async (node: RedisServer): Promise<Record<string, string>> =>
  fieldsOf(String(await node.cli("CLUSTER", "INFO")));

/** A range of CLUSTER SLOTS: first, last, then its nodes, the master first, as host, port, id. */
const rangesOf = (slots: Reply): Reply[][] =>
  (Array.isArray(slots) ? slots : []).filter((range) => Array.isArray(range));

function portOf(slot: number, slots: Reply): number | undefined {
  const range = rangesOf(slots).find(([first, last]) => Number(first) <= slot && slot <= Number(last));
  const master = range?.[2];
  return Array.isArray(master) ? Number(master[1]) : undefined;
}

/** Who has which slots and who their replicas are, in an order that doesn't depend on the node asked. */
const mapOf = (slots: Reply): string =>
  rangesOf(slots)
    .map(([first, last, master, ...replicas]) => JSON.stringify([first, last, master, replicas.map(String).toSorted()]))
    .toSorted()
    .join();
