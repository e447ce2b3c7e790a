import { LRUCache } from "lru-cache";
import type { Figure } from "../figure.ts";
import { linkedHandle, shuffledUids } from "./linked-handle.ts";

const ENTRIES = 10_000;
const ROUNDS = 30;

/** An awaited hit: the whole link. */
export const hitAwait: Figure = {
  id: "hit-await",
  title: `await handle.resolve(uid), ${ENTRIES} entries`,
  baseline: "await of an async function around a bare lru-cache get with TTL",
  goal: 1,
  async prepare() {
    const uids = shuffledUids(ENTRIES);
    const { rooms, end } = await linkedHandle(uids);
    const cache = new LRUCache<string, { podIndex: number }>({ max: 2 * ENTRIES, ttl: 300_000 });
    for (const uid of uids) cache.set(uid, { podIndex: 0 });
    const byHand = async (uid: string): Promise<{ podIndex: number } | undefined> => cache.get(uid);
    const over = (resolve: (uid: string) => Promise<{ podIndex: number } | undefined>) => async (): Promise<number> => {
      const start = performance.now();
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const uid of uids) if ((await resolve(uid)) === undefined) throw new Error(`${uid} was not cached`);
      }
      return ((performance.now() - start) * 1e6) / (ROUNDS * ENTRIES);
    };
    return { ours: { run: over((uid) => rooms.resolve(uid)) }, baseline: { run: over(byHand) }, end };
  },
};
