import type { LinkOp } from "@podlink/types";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fakeClock, TokenWatcher } from "../../src/index.ts";
import type { TokenObservation } from "../../src/index.ts";
import { found, link, NAME } from "./links.ts";

function watcher(options: { readonly maxLinks?: number } = {}) {
  const { violations, onViolation } = found();
  const clock = fakeClock();
  return { tokens: new TokenWatcher({ onViolation, clock, ...options }), violations, clock };
}

/** A record that is given a new token (and pod) now and then, and is read at moments within intervals. */
const legal = fc
  .record({
    changes: fc.array(fc.record({ gap: fc.integer({ min: 1, max: 20 }), pod: fc.integer({ min: 0, max: 2 }) }), {
      minLength: 2,
      maxLength: 4,
    }),
    reads: fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 100 }),
        before: fc.integer({ min: 0, max: 40 }),
        after: fc.integer({ min: 0, max: 40 }),
      }),
      { minLength: 1, maxLength: 30 },
    ),
    seed: fc.integer(),
  })
  .map(({ changes, reads, seed }) => {
    let atMs = 0;
    const states = changes.map(({ gap, pod }, index) => {
      atMs += gap;
      return { fromMs: index === 0 ? -1 : atMs, link: link(10 + index, { podIndex: pod, incarnation: 1 + index }) };
    });
    const stateAt = (ms: number) => states.findLast(({ fromMs }) => fromMs <= ms) as (typeof states)[number];
    const observations = reads.map(({ at, before, after }): TokenObservation => ({
      link: stateAt(at).link,
      startedMs: at - before,
      endedMs: at + after,
    }));
    return { observations: shuffled(observations, seed), states };
  });

function shuffled<T>(items: readonly T[], seed: number): T[] {
  return items
    .map((item, index) => ({ item, key: Math.imul(seed + index * 7919, 2_654_435_761) >>> 0 }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

test("answers of a record that only moves forward are never accused, however they overlap and arrive", () => {
  fc.assert(
    fc.property(legal, ({ observations }) => {
      const { tokens, violations } = watcher();
      for (const observation of observations) tokens.observe(observation);
      expect(violations).toEqual([]);
      expect(tokens.observed).toBe(observations.length);
    }),
    { numRuns: 1000 },
  );
});

test("one answer with a token that was overtaken before it was asked for is always found, wherever it arrives", () => {
  fc.assert(
    fc.property(legal, fc.nat(), ({ observations, states }, position) => {
      const newest = states.at(-1)?.link;
      const seenLast = { link: newest ?? link(1), startedMs: 200, endedMs: 210 };
      const stale = { link: states[0]?.link ?? link(0), startedMs: 211, endedMs: 220 };
      const all = [...observations, seenLast];
      all.splice(position % (all.length + 1), 0, stale);
      const { tokens, violations } = watcher();
      for (const observation of all) tokens.observe(observation);
      expect(violations.length).toBeGreaterThan(0);
      expect(violations[0]).toMatchObject({ invariant: "tokens", evidence: { kind: "went-back" } });
    }),
    { numRuns: 1000 },
  );
});

test("a contradiction is shown with both observations", () => {
  const { tokens, violations, clock } = watcher();
  tokens.observe({ link: link(18, { podIndex: 1, incarnation: 7 }), startedMs: 100, endedMs: 110 });
  tokens.observe({ link: link(17), startedMs: 111, endedMs: 120 });
  expect(violations).toEqual([
    {
      invariant: "tokens",
      atMs: clock.nowMs(),
      message:
        '"ann" of test/room went back: token 18 of pod 1.7 (asked at 100.0 ms, answered at 110.0 ms), ' +
        "and after that token 17 of pod 0.1 (asked at 111.0 ms, answered at 120.0 ms)",
      evidence: {
        kind: "went-back",
        before: { token: "18", holder: "1.7", startedMs: 100, endedMs: 110 },
        after: { token: "17", holder: "0.1", startedMs: 111, endedMs: 120 },
        link: { ...NAME, uid: "ann" },
      },
    },
  ]);
});

test("a lower token is no contradiction when it was asked for before the higher one was known", () => {
  const { tokens, violations } = watcher();
  tokens.observe({ link: link(18, { podIndex: 1 }), startedMs: 100, endedMs: 110 });
  tokens.observe({ link: link(17), startedMs: 110, endedMs: 120 });
  tokens.observe({ link: link(16), endedMs: 500 }); // pushed: nobody knows when it was so
  expect(violations).toEqual([]);
});

test("a token counts from its earliest answer on, also when that arrives after a later one", () => {
  const { tokens, violations } = watcher();
  tokens.observe({ link: link(18, { podIndex: 1 }), startedMs: 0, endedMs: 100 });
  tokens.observe({ link: link(18, { podIndex: 1 }), startedMs: 0, endedMs: 10 });
  tokens.observe({ link: link(17), startedMs: 50, endedMs: 60 });
  expect(violations).toHaveLength(1);
});

test("tokens are compared as numbers, and those of different links not at all", () => {
  const { tokens, violations } = watcher();
  tokens.observe({ link: link(9), startedMs: 0, endedMs: 1 });
  tokens.observe({ link: link(10), startedMs: 2, endedMs: 3 });
  tokens.observe({ link: link(5, { uid: "bob" }), startedMs: 4, endedMs: 5 });
  tokens.observe({ link: link(5, { service: "chat" }), startedMs: 4, endedMs: 5 });
  expect(violations).toEqual([]);
});

test("one token of a link that names two holders is found whatever the times", () => {
  const { tokens, violations } = watcher();
  tokens.observe({ link: link(5), startedMs: 0, endedMs: 100 });
  tokens.observe({ link: link(5, { incarnation: 2 }), startedMs: 0, endedMs: 100 });
  expect(violations.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^"ann" of test\/room: token 5 names 0\.1 .* and 0\.2 /),
  ]);
});

test("one token that two operations say to have made is found, also when both made it for the same holder", () => {
  const { tokens, violations } = watcher();
  tokens.observe({ link: link(5), startedMs: 0, endedMs: 100, made: true });
  tokens.observe({ link: link(5), startedMs: 50, endedMs: 150 });
  expect(violations).toEqual([]);
  tokens.observe({ link: link(5), startedMs: 10, endedMs: 90, made: true });
  expect(violations).toMatchObject([{ evidence: { kind: "made-twice" } }]);
});

test("a goodbye that is owned again under its token is found; one that ends, and a new token, are not", () => {
  const { tokens, violations } = watcher();
  tokens.observe({ link: link(5), startedMs: 0, endedMs: 10 });
  tokens.observe({ link: link(5, { kind: "goodbye" }), startedMs: 11, endedMs: 20 });
  tokens.observe({ link: link(5), startedMs: 20, endedMs: 30 }); // may have been read before it
  tokens.observe({ link: link(6), startedMs: 31, endedMs: 40 });
  expect(violations).toEqual([]);
  const other = watcher();
  other.tokens.observe({ link: link(5, { kind: "goodbye" }), startedMs: 11, endedMs: 20 });
  other.tokens.observe({ link: link(5), startedMs: 21, endedMs: 30 });
  expect(other.violations).toMatchObject([{ evidence: { kind: "revived" } }]);
});

test("a cache may be behind the store, but not behind itself, and nobody behind what it has said", () => {
  const { tokens, violations } = watcher();
  tokens.observe({ link: link(6), startedMs: 0, endedMs: 1 });
  tokens.observe({ link: link(5), startedMs: 2, endedMs: 2, observer: "gateway 1" });
  tokens.observe({ link: link(6), startedMs: 3, endedMs: 3, observer: "gateway 1" });
  tokens.observe({ link: link(5), startedMs: 4, endedMs: 4, observer: "gateway 2" });
  expect(violations).toEqual([]);
  tokens.observe({ link: link(5), startedMs: 5, endedMs: 5, observer: "gateway 1" });
  tokens.observe({ link: link(7), startedMs: 6, endedMs: 6, observer: "gateway 2" });
  tokens.observe({ link: link(6), startedMs: 7, endedMs: 8 });
  expect(violations.map(({ evidence }) => evidence)).toMatchObject([
    { kind: "went-back", observer: "gateway 1" },
    { kind: "went-back", before: { token: "7" }, after: { token: "6" } },
  ]);
});

test("what was forgotten binds nobody: a store that lost its data may begin below", () => {
  const { tokens, violations } = watcher();
  tokens.observe({ link: link(9), startedMs: 0, endedMs: 1, observer: "gateway" });
  tokens.observe({ link: link(9, { uid: "bob" }), startedMs: 0, endedMs: 1 });
  tokens.forget({ ...NAME, uid: "ann" });
  tokens.observe({ link: link(8), startedMs: 2, endedMs: 3, observer: "gateway" });
  expect(violations).toEqual([]);
  tokens.observe({ link: link(8, { uid: "bob" }), startedMs: 2, endedMs: 3 });
  expect(violations).toHaveLength(1);
  tokens.forget();
  tokens.observe({ link: link(1, { uid: "bob" }), startedMs: 4, endedMs: 5 });
  expect(violations).toHaveLength(1);
});

test("beyond its bound the link seen least recently is forgotten, and counted", () => {
  const { tokens, violations } = watcher({ maxLinks: 2 });
  const see = (uid: string, token: number, atMs: number) =>
    tokens.observe({ link: link(token, { uid }), startedMs: atMs, endedMs: atMs });
  see("ann", 5, 0);
  see("bob", 5, 1);
  see("ann", 6, 2);
  see("cat", 5, 3); // bob goes
  expect(tokens.forgotten).toBe(1);
  see("ann", 5, 4);
  expect(violations).toHaveLength(1);
  see("bob", 4, 5);
  expect(violations).toHaveLength(1);
});

test("a store seen through it answers the same, and every link in an answer or a push is observed", async () => {
  const { tokens, violations, clock } = watcher();
  let token = 5;
  class Store {
    #pushes: ((lost: unknown) => void)[] = [];
    async execute(op: LinkOp) {
      return op.kind === "setIfAbsent" ? { created: true, link: link(token) } : link(token);
    }
    async executeAll(ops: readonly LinkOp[]) {
      return ops.map((op) => (op.kind === "get" ? { value: link(token) } : { error: new Error("x") }));
    }
    async servicesOf() {
      return new Map([["room", link(token)]]);
    }
    watchLostLinks(_namespace: string, _service: string, _podIndex: number, listener: (lost: unknown) => void) {
      this.#pushes.push(listener);
    }
    push(lost: unknown) {
      for (const listener of this.#pushes) listener(lost);
    }
    close() {
      return "closed";
    }
  }
  const store = tokens.through(new Store());
  const get: LinkOp = { kind: "get", ...NAME, uid: "ann" };
  const make: LinkOp = {
    kind: "setIfAbsent",
    ...NAME,
    uid: "ann",
    owner: { podIndex: 0, incarnation: 1 },
    lifetime: "persistent",
  };
  const heard: unknown[] = [];
  expect(store).toBeInstanceOf(Store);
  expect(store.close()).toBe("closed");
  expect(await store.execute(make)).toEqual({ created: true, link: link(5) });
  expect(await store.executeAll([get, make])).toMatchObject([{ value: link(5) }, { error: {} }]);
  expect((await store.servicesOf()).get("room")).toEqual(link(5));
  store.watchLostLinks("test", "room", 0, (lost) => heard.push(lost));
  store.push({ uid: "ann", link: link(5) });
  expect(heard).toEqual([{ uid: "ann", link: link(5) }]);
  expect(tokens.observed).toBe(4);
  expect(violations).toEqual([]);
  await clock.advance(1);
  await store.execute(make); // the same token, made again
  await clock.advance(1);
  token = 4;
  await store.servicesOf();
  expect(violations.map(({ evidence }) => evidence["kind"])).toEqual(["made-twice", "went-back"]);
});

test("a rejected call of a watched store rejects the same, and is no observation", async () => {
  const { tokens } = watcher();
  const store = tokens.through({ execute: () => Promise.reject(new Error("cut off")) });
  await expect(store.execute()).rejects.toThrow("cut off");
  expect(tokens.observed).toBe(0);
});
