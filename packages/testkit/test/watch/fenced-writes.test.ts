import fc from "fast-check";
import { expect, test } from "vitest";
import { fakeClock, FencedWriteWatcher } from "../../src/index.ts";
import { found } from "./links.ts";

function watcher(options: { readonly maxUids?: number } = {}) {
  const { violations, onViolation } = found();
  const clock = fakeClock();
  return { fenced: new FencedWriteWatcher({ onViolation, clock, ...options }), violations, clock };
}

type Fence = { token: string; holder: string };

/** A storage that serves one fence at a time; `leaks` takes every write. */
function storage() {
  const rows = new Map<string, Fence>();
  const isSame = (a: Fence | undefined, b: Fence) => a?.token === b.token && a.holder === b.holder;
  return {
    leaks: false,
    async loadAndRaise(uid: string, fence: Fence) {
      const row = rows.get(uid);
      if (row !== undefined && Number(row.token) >= Number(fence.token) && !isSame(row, fence)) {
        return { refused: row.token };
      }
      rows.set(uid, fence);
      return { session: {} };
    },
    async write(uid: string, fence: Fence) {
      return this.leaks || isSame(rows.get(uid), fence) ? "written" : { refused: "9" };
    },
  };
}

const steps = fc.array(
  fc.record({
    uid: fc.constantFrom("ann", "bob"),
    token: fc.integer({ min: 1, max: 9 }),
    what: fc.constantFrom("load", "write", "write"),
    ms: fc.integer({ min: 0, max: 5 }),
  }),
  { minLength: 1, maxLength: 40 },
);

test("whatever pods try, a storage that refuses old fences is never accused", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (tried) => {
      const { fenced, violations, clock } = watcher();
      const store = fenced.through(storage());
      for (const { uid, token, what, ms } of tried) {
        const fence = { token: String(token), holder: `${token % 3}.1` };
        await (what === "load" ? store.loadAndRaise(uid, fence) : store.write(uid, fence));
        await clock.advance(ms);
      }
      expect(violations).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

test("one write that a storage takes after a higher fence is always found, and shown with both", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (tried) => {
      const { fenced, violations, clock } = watcher();
      const real = storage();
      const store = fenced.through(real);
      for (const { uid, token } of tried)
        await store.loadAndRaise(uid, { token: String(token), holder: `${token % 3}.1` });
      await store.loadAndRaise("ann", { token: "10", holder: "1.1" });
      await clock.advance(1);
      real.leaks = true;
      expect(await store.write("ann", { token: "9", holder: "0.1" })).toBe("written");
      expect(violations).toHaveLength(1);
      expect(violations[0]?.message).toMatch(
        /^the storage of "ann" took a lower fence after a higher one: token 10 of 1\.1 .*, then token 9 of 0\.1 /,
      );
    }),
    { numRuns: 50 },
  );
});

test("one token taken of two holders is found, whatever the times", () => {
  const { fenced, violations } = watcher();
  fenced.accepted({ uid: "ann", token: "5", holder: "0.1", startedMs: 0, endedMs: 10 });
  fenced.accepted({ uid: "ann", token: "5", holder: "0.2", startedMs: 0, endedMs: 10 });
  expect(violations).toMatchObject([{ evidence: { kind: "two-holders" } }]);
});

test("refused, behind and failed writes are no observations; only what was taken binds", async () => {
  const { fenced, violations } = watcher();
  const answers = ["behind", { refused: "7" }, "written"];
  const store = fenced.through({
    write: (_uid: string, _fence: Fence) => Promise.resolve(answers.shift()),
    loadAndRaise: (_uid: string, _fence: Fence) => Promise.reject(new Error("lost")),
  });
  const high = { token: "9", holder: "1.1" };
  expect(await store.write("ann", high)).toBe("behind");
  expect(await store.write("ann", high)).toEqual({ refused: "7" });
  await expect(store.loadAndRaise("ann", high)).rejects.toThrow("lost");
  expect(await store.write("ann", { token: "5", holder: "0.1" })).toBe("written");
  expect(fenced.observed).toBe(1);
  expect(violations).toEqual([]);
});

test("any call of a storage can be watched by hand, and a storage of other methods by naming them", async () => {
  const { fenced, violations, clock } = watcher();
  const save = fenced.through({ save: async (_uid: string, _fence: Fence) => 1 }, { save: (rows) => rows === 1 });
  await save.save("ann", { token: "6", holder: "0.1" });
  await clock.advance(1);
  expect(await fenced.watch("ann", { token: "5", holder: "1.1" }, async () => "saved")).toBe("saved");
  expect(violations).toHaveLength(1);
});

test("what is forgotten, for the bound or because data was lost, binds nobody", () => {
  const { fenced, violations } = watcher({ maxUids: 1 });
  const accepted = (uid: string, token: number, atMs: number) =>
    fenced.accepted({ uid, token: String(token), holder: "0.1", startedMs: atMs, endedMs: atMs });
  accepted("ann", 5, 0);
  fenced.forget("ann");
  accepted("ann", 4, 1);
  fenced.forget();
  accepted("ann", 3, 2);
  accepted("bob", 5, 3);
  accepted("ann", 2, 4);
  expect(violations).toEqual([]);
  expect(fenced.forgotten).toBe(2);
});
