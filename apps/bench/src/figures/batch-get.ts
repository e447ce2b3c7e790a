import { namedOperations } from "@podlink/types";
import type { Figure } from "../figure.ts";
import { nsEachBy, onRedis } from "./redis.ts";

const UIDS = 10_000;

/** Many links read at once. */
export const batchGet: Figure = {
  id: "batch-get",
  title: `${UIDS} uids in one call, single node`,
  baseline: "ioredis, pipelined GETs",
  goal: 3,
  async prepare() {
    const { executor, bare, end } = await onRedis();
    const uids = Array.from({ length: UIDS }, (_, index) => `user-${index}`);
    await nsEachBy(256, UIDS, async (turn) => {
      const uid = uids[turn] as string;
      const owner = { podIndex: turn % 100, incarnation: 1 };
      const lifetime = "persistent" as const;
      await executor.execute({ kind: "set", namespace: "bench", service: "room", uid, owner, lifetime });
      await bare.set(`b:${uid}`, String(turn % 100));
    });
    const named = namedOperations(executor);
    const each = async (read: () => Promise<number>): Promise<number> => {
      const start = performance.now();
      if ((await read()) !== UIDS) throw new Error("links are missing");
      return ((performance.now() - start) * 1e6) / UIDS;
    };
    const ours = async (): Promise<number> => {
      const byPod = await named.batchGetLinkedPod("bench", "room", uids, { timeoutMs: 10_000 });
      return Array.from(byPod.values()).reduce((sum, { length }) => sum + length, 0);
    };
    const byHand = async (): Promise<number> => {
      const pipeline = bare.pipeline();
      for (const uid of uids) pipeline.get(`b:${uid}`);
      return ((await pipeline.exec()) ?? []).filter(([error, pod]) => error === null && pod !== null).length;
    };
    return { ours: { run: () => each(ours) }, baseline: { run: () => each(byHand) }, end };
  },
};
