import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { makeLink } from "@podlink/types";
import { expect, test } from "vitest";
import { Entries } from "../src/entries.ts";
import { Period } from "../src/period.ts";

const periodOf = (uid: string): Period => {
  const parts = { namespace: "test", service: "room", uid, podIndex: 0, incarnation: 7, token: "1" } as const;
  return new Period(makeLink({ ...parts, kind: "owned" }), 0);
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("code is part of a request until the request has left, however deep", async () => {
  const entries = new Entries();
  const [ann, bob] = [periodOf("ann"), periodOf("bob")];
  const outer = entries.enter(ann, ann.granted);
  const inner = entries.enter(bob, bob.granted);
  await outer.run(() =>
    inner.run(async () => {
      expect([entries.isInside(ann), entries.isInside(bob)]).toEqual([true, true]);
      inner.leave();
      expect([entries.isInside(ann), entries.isInside(bob)]).toEqual([true, false]);
      await turn();
      outer.leave();
      expect(entries.isInside(ann)).toBe(false);
    }),
  );
});

test("requests that each start the next while they run keep none that has left", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const entries = new Entries();
  const periods: WeakRef<Period>[] = [];
  let kept: number | undefined;
  const start = async (left: number): Promise<void> => {
    const period = periodOf(`u${left}`);
    periods.push(new WeakRef(period));
    const entry = entries.enter(period, period.granted);
    await entry.run(async () => {
      await turn();
      if (left > 0) void start(left - 1);
      await turn();
      entry.leave();
      if (left > 0) return;
      collect();
      kept = periods.filter((ref) => ref.deref() !== undefined).length;
    });
  };
  await start(200);
  await expect.poll(() => kept).toBeLessThan(100);
});
