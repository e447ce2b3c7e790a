import { LRUCache } from "lru-cache";
import type { Figure } from "../measure/figure.ts";
import { nsEach } from "../measure/timing.ts";
import { linkedHandle, shuffledUids } from "../support/linked-handle.ts";

const OPERATIONS = 1_000_000;

/** A synchronous hit: the pod of a cached uid whose holder is available. */
export function hitSync(entries: number): Figure {
  return {
    id: "hit-sync",
    variant: `${entries / 1000}k`,
    title: `handle.peek(uid), ${entries} entries`,
    baseline: "bare lru-cache get with TTL",
    unit: "ns",
    goal: { ratioAtLeast: 1.2 },
    // What was seen are 10,000 entries.
    ...(entries === 10_000 && { seen: { baseline: 53, scaledBy: "core" } }),
    async prepare({ tiny, defer }) {
      const uids = shuffledUids(tiny ? 100 : entries);
      const { rooms, end } = await linkedHandle(uids);
      defer(end);
      const cache = new LRUCache<string, number>({ max: uids.length, ttl: 300_000 });
      for (const uid of uids) cache.set(uid, 0);
      const timesOver = tiny ? 1 : OPERATIONS / entries;
      let sum = 0; // used below, so that no call can be left out
      const over = (get: (uid: string) => number | undefined) => (): number => {
        const each = nsEach(timesOver * uids.length, () => {
          for (let turn = 0; turn < timesOver; turn += 1) for (const uid of uids) sum += get(uid) ?? Number.NaN;
        });
        if (Number.isNaN(sum)) throw new Error("a uid was not cached");
        return each;
      };
      return { ours: { run: over((uid) => rooms.peek(uid)) }, baseline: { run: over((uid) => cache.get(uid)) } };
    },
  };
}
