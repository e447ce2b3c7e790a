import type { ClusterNodes } from "./cluster-nodes.ts";
import { harnessUser } from "./harness-user.ts";
import type { RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

/** A slot on its way: clients are told ASK for what has gone, TRYAGAIN for keys on both sides, until it is finished. */
export interface SlotMove {
  /** Moves the keys that the slot has now; `limit` at most, if given. Resolves with how many. */
  moveKeys(limit?: number): Promise<number>;
  /** Moves what keys there are, and gives the slot to its new node: clients are told MOVED. Resolves when every running node knows. */
  finish(): Promise<void>;
  /** Leaves the slot where it was. Keys that have gone don't come back. */
  abandon(): Promise<void>;
}

const KEYS_AT_ONCE = 100;
const MOVE_WITHIN_MS = 5000;

export async function beginSlotMove(nodes: ClusterNodes, slot: number, to: RedisServer): Promise<SlotMove> {
  const from = await nodes.ownerOf(slot);
  if (from === to) throw new Error(`Slot ${slot} is there already`);
  const [fromId, toId] = await Promise.all([nodes.idOf(from), nodes.idOf(to)]);
  // This order: a client that is sent on must be let in.
  await to.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
  await from.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
  const auth = ["AUTH2", harnessUser.name, harnessUser.password];

  const moveKeys = async (limit = Infinity): Promise<number> => {
    for (let moved = 0; ;) {
      const count = Math.min(KEYS_AT_ONCE, limit - moved);
      const keys = count > 0 ? await from.cli("CLUSTER", "GETKEYSINSLOT", slot, count) : [];
      if (!Array.isArray(keys) || keys.length === 0) return moved;
      await from.cli("MIGRATE", to.host, to.port, "", 0, MOVE_WITHIN_MS, ...auth, "KEYS", ...keys.map(String));
      moved += keys.length;
    }
  };

  return {
    moveKeys,
    async finish() {
      await moveKeys(); // no new ones come: who asks the old node for a key that isn't there is sent on
      await to.cli("CLUSTER", "SETSLOT", slot, "NODE", toId);
      await from.cli("CLUSTER", "SETSLOT", slot, "NODE", toId);
      await until("every node knows of the move", async () => {
        const owners = await Promise.all(nodes.running().map((node) => nodes.ownerOf(slot, node)));
        return owners.every((owner) => owner === to);
      });
    },
    async abandon() {
      await Promise.all([from, to].map((node) => node.cli("CLUSTER", "SETSLOT", slot, "STABLE")));
    },
  };
}
