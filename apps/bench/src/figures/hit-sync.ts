import { LRUCache } from "lru-cache";
import type { Figure } from "../figure.ts";
import { nsEach } from "../figure.ts";
import { linkedHandle, shuffledUids } from "./linked-handle.ts";

const OPERATIONS = 1_000_000;

/** A synchronous hit: the pod of a cached uid whose holder is available. */
export function hitSync(entries: number): Figure {
  return {
    id: entries === 10_000 ? "hit-sync" : `hit-sync-${entries / 1000}k`,
    title: `handle.peek(uid), ${entries} entries`,
    baseline: "bare lru-cache get with TTL",
    goal: 1.2,
    async prepare() {
      const uids = shuffledUids(entries);
      const { rooms, end } = await linkedHandle(uids);
      const cache = new LRUCache<string, number>({ max: 2 * entries, ttl: 300_000 });
      for (const uid of uids) cache.set(uid, 0);
      let sum = 0; // used below, so that no call can be left out
      const over = (get: (uid: string) => number | undefined) => (): number => {
        const rounds = OPERATIONS / entries;
        const each = nsEach(rounds * entries, () => {
          for (let round = 0; round < rounds; round += 1) for (const uid of uids) sum += get(uid) ?? Number.NaN;
        });
        if (Number.isNaN(sum)) throw new Error("a uid was not cached");
        return each;
      };
      return { ours: { run: over((uid) => rooms.peek(uid)) }, baseline: { run: over((uid) => cache.get(uid)) }, end };
    },
  };
}
