import { LRUCache } from "lru-cache";
import type { Figure } from "../measure/figure.ts";
import { usedBytes } from "../support/garbage.ts";
import { linkedHandle } from "../support/linked-handle.ts";

const LINKS = 1_000_000;
const HOT_SHARE = 0.01;

/** What a cached link costs in a caller's memory. */
export const clientBytes: Figure = {
  id: "client-bytes",
  title: `client bytes a cached link, ${LINKS} of them with their keys, 1 % hot`,
  baseline: "bare lru-cache with TTL",
  unit: "bytes",
  goal: { ratioAtMost: 1 },
  seen: { baseline: 105, scaledBy: "exact" },
  pairs: 3, // the same data cost nearly the same
  prepare({ tiny }) {
    const links = tiny ? 10_000 : LINKS;
    // Its own strings on each side: a key costs only who keeps it.
    const uid = (index: number): string => `user-${index}`;
    const ours = async (): Promise<number> => {
      const before = usedBytes();
      const { rooms, end } = await linkedHandle(Array.from({ length: links }, (_, index) => uid(index)));
      for (let index = 0; index < links * HOT_SHARE; index += 1) await rooms.resolve(uid(index));
      const grownBy = usedBytes() - before;
      if (rooms.peek(uid(links - 1)) === undefined) throw new Error("a link is missing");
      await end();
      return grownBy / links;
    };
    const byHand = (): number => {
      const before = usedBytes();
      const cache = new LRUCache<string, number>({ max: links, ttl: 300_000 });
      for (let index = 0; index < links; index += 1) cache.set(uid(index), index % 100);
      const grownBy = usedBytes() - before;
      if (cache.get(uid(links - 1)) === undefined) throw new Error("a link is missing");
      return grownBy / links;
    };
    return { ours: { run: ours }, baseline: { run: byHand } };
  },
};
