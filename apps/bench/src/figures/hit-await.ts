import { LRUCache } from "lru-cache";
import type { Figure } from "../measure/figure.ts";
import { linkedHandle, shuffledUids } from "../support/linked-handle.ts";

const ENTRIES = 10_000;
const TIMES_OVER = 30;

/** An awaited hit: the whole link. */
export const hitAwait: Figure = {
  id: "hit-await",
  title: `await handle.resolve(uid), ${ENTRIES} entries`,
  baseline: "await of an async function around a bare lru-cache get with TTL",
  unit: "ns",
  goal: { ratioAtLeast: 1 },
  seen: { baseline: 145, scaledBy: "core" },
  async prepare({ tiny, defer }) {
    const uids = shuffledUids(tiny ? 100 : ENTRIES);
    const timesOver = tiny ? 1 : TIMES_OVER;
    const { rooms, end } = await linkedHandle(uids);
    defer(end);
    const cache = new LRUCache<string, { podIndex: number }>({ max: uids.length, ttl: 300_000 });
    for (const uid of uids) cache.set(uid, { podIndex: 0 });
    const byHand = async (uid: string): Promise<{ podIndex: number } | undefined> => cache.get(uid);
    const over = (resolve: (uid: string) => Promise<{ podIndex: number } | undefined>) => async (): Promise<number> => {
      const start = performance.now();
      for (let turn = 0; turn < timesOver; turn += 1) {
        for (const uid of uids) if ((await resolve(uid)) === undefined) throw new Error(`${uid} was not cached`);
      }
      return ((performance.now() - start) * 1e6) / (timesOver * uids.length);
    };
    return { ours: { run: over((uid) => rooms.resolve(uid)) }, baseline: { run: over(byHand) } };
  },
};
