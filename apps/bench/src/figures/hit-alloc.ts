import type { Figure } from "../measure/figure.ts";
import { collectGarbage } from "../support/garbage.ts";
import { linkedHandle, shuffledUids } from "../support/linked-handle.ts";

const ENTRIES = 10_000;
const OPERATIONS = 20_000; // so few that even the baseline's garbage fits into an empty young generation: none is collected

/** What a synchronous hit leaves to the garbage collector. */
export const hitAlloc: Figure = {
  id: "hit-alloc",
  title: "bytes allocated by a peek",
  baseline: "Map.get, and an object for the answer: it shows that allocations are seen",
  unit: "bytes",
  goal: { oursAtMost: 0 },
  async prepare({ tiny, defer }) {
    const uids = shuffledUids(tiny ? 100 : ENTRIES);
    const { rooms, end } = await linkedHandle(uids);
    defer(end);
    const map = new Map(uids.map((uid) => [uid, 0]));
    const kept: { podIndex: number | undefined }[] = [{ podIndex: 0 }];
    const over = (get: (uid: string) => unknown) => (): number => {
      for (const uid of uids) get(uid); // compiled, and what is made once is there
      collectGarbage();
      const looking = -heapUsed() + heapUsed();
      const before = heapUsed();
      for (let turn = 0; turn < OPERATIONS; turn += 1) get(uids[turn % uids.length]!);
      const allocated = heapUsed() - before - looking;
      if (allocated < -looking) throw new Error("garbage was collected meanwhile");
      return Math.max(0, Math.round((allocated / OPERATIONS) * 10) / 10); // to the tenth of a byte
    };
    return {
      ours: { run: over((uid) => rooms.peek(uid)) },
      baseline: { run: over((uid) => (kept[0] = { podIndex: map.get(uid) })) },
    };
  },
};

/** Looking allocates a little by itself. */
const heapUsed = (): number => process.memoryUsage().heapUsed;
