import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Nesting } from "../src/nesting.ts";

test("uses that each start the next while they run keep none that has ended", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const nesting = new Nesting<{ readonly uid: string }>();
  const uses: WeakRef<object>[] = [];
  let kept: number | undefined;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const start = (left: number): Promise<void> => {
    const use = { uid: `u${left}` };
    uses.push(new WeakRef(use));
    return nesting.run(use, async () => {
      await turn();
      if (left > 0) void start(left - 1);
      await turn();
      if (left > 0) return;
      collect();
      kept = uses.filter((ref) => ref.deref() !== undefined).length;
    });
  };
  await start(200);
  await expect.poll(() => kept).toBeLessThan(100);
});
