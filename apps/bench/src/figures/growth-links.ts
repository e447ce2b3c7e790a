import type { Figure } from "../measure/figure.ts";
import { nsEach } from "../measure/timing.ts";
import { linkedHandle, shuffledUids } from "../support/linked-handle.ts";

const OPERATIONS = 1_000_000;

/** How much slower a hit becomes when there are a hundred times as many links. */
export const growthLinks: Figure = {
  id: "growth-links",
  title: "a hit among 1,000,000 links, over one among 10,000",
  baseline: "the same of a bare Map",
  unit: "x",
  goal: { ratioAtMost: 1.2 },
  async prepare({ tiny, defer }) {
    const [few, many] = tiny ? [100, 1000] : [10_000, 1_000_000];
    const some = shuffledUids(few);
    const all = shuffledUids(many);
    const ofFew = await linkedHandle(some);
    defer(ofFew.end);
    const ofMany = await linkedHandle(all);
    defer(ofMany.end);
    const fewInMap = new Map(some.map((uid) => [uid, 0]));
    const manyInMap = new Map(all.map((uid) => [uid, 0]));
    const operations = tiny ? many : OPERATIONS;
    let sum = 0; // used below, so that no call can be left out
    const over = (uids: readonly string[], get: (uid: string) => number | undefined): number => {
      const each = nsEach(operations, () => {
        for (let done = 0; done < operations; done += uids.length)
          for (const uid of uids) sum += get(uid) ?? Number.NaN;
      });
      if (Number.isNaN(sum)) throw new Error("a uid was not cached");
      return each;
    };
    return {
      ours: { run: () => over(all, (uid) => ofMany.rooms.peek(uid)) / over(some, (uid) => ofFew.rooms.peek(uid)) },
      baseline: { run: () => over(all, (uid) => manyInMap.get(uid)) / over(some, (uid) => fewInMap.get(uid)) },
    };
  },
};
