import type { RedisExecutor } from "@podlink/redis-executor";
import { namedOperations } from "@podlink/types";
import type { Cluster, Redis } from "ioredis";
import type { Figure, Preparation, Sides } from "../measure/figure.ts";
import { nsEachBy } from "../measure/timing.ts";
import { onCluster, onRedis } from "../support/redis.ts";

const UIDS = 10_000;
/** One after the other in a round, so that each side pays for its own garbage. */
const CALLS = 5;
const MS_OF_ALL = { socket: "rawSet256", unitNs: 1e6 / UIDS } as const;
/** Nothing here is judged by a deadline: on a busy machine each may wait. */
const PATIENT = { timeoutMs: 10_000 };

/** Many links read at once. */
export const batchGet: Figure = {
  id: "batch-get",
  variant: "single",
  title: `${UIDS} uids in one call, single node`,
  baseline: "ioredis, pipelined GETs",
  unit: "ms",
  goal: { ratioAtLeast: 3, oursAtMost: 20 },
  seen: { baseline: 51, scaledBy: MS_OF_ALL },
  async prepare(preparation) {
    const { executor, bare } = await onRedis(preparation);
    return sides(preparation, { executor, bare }, async (keys) => {
      const pipeline = bare.pipeline();
      for (const key of keys) pipeline.get(key);
      return ((await pipeline.exec()) ?? []).map(([error, pod]) => (error === null ? pod : null));
    });
  },
};

/** The same over the nodes of a Cluster. */
export const batchGetCluster: Figure = {
  id: "batch-get",
  variant: "cluster",
  title: `${UIDS} uids in one call, 3 masters`,
  baseline: "ioredis Cluster, Promise.all of GETs",
  unit: "ms",
  goal: { ratioAtLeast: 5 },
  seen: { baseline: 136, scaledBy: MS_OF_ALL },
  async prepare(preparation) {
    const { executor, bare } = await onCluster(preparation);
    return sides(preparation, { executor, bare }, (keys) => Promise.all(keys.map((key) => bare.get(key))));
  },
};

async function sides(
  { tiny }: Preparation,
  { executor, bare }: { executor: RedisExecutor; bare: Redis | Cluster },
  readByHand: (keys: readonly string[]) => Promise<unknown[]>,
): Promise<Sides> {
  const uids = Array.from({ length: tiny ? 100 : UIDS }, (_, index) => `user-${index}`);
  const keys = uids.map((uid) => `b:${uid}`);
  await nsEachBy(256, uids.length, async (turn) => {
    const owner = { podIndex: turn % 100, incarnation: 1 };
    const name = { namespace: "bench", service: "room", uid: uids[turn]! };
    await executor.execute({ kind: "set", ...name, owner, lifetime: "persistent" }, PATIENT);
    await bare.set(keys[turn]!, String(turn % 100));
  });
  const named = namedOperations(executor);
  const msOf = async (read: () => Promise<number>): Promise<number> => {
    const start = performance.now();
    for (let call = 0; call < CALLS; call += 1) {
      if ((await read()) !== uids.length) throw new Error("links are missing");
    }
    return (performance.now() - start) / CALLS;
  };
  const ours = async (): Promise<number> => {
    const byPod = await named.batchGetLinkedPod("bench", "room", uids, PATIENT);
    return Array.from(byPod.values()).reduce((sum, { length }) => sum + length, 0);
  };
  const byHand = async (): Promise<number> => (await readByHand(keys)).filter((pod) => pod !== null).length;
  return { ours: { run: () => msOf(ours) }, baseline: { run: () => msOf(byHand) } };
}
