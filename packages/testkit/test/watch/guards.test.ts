import fc from "fast-check";
import { expect, test } from "vitest";
import { fakeClock, GuardWatcher } from "../../src/index.ts";
import type { GuardWatcherOptions, WatchedPeriod } from "../../src/index.ts";
import { found, link, NAME } from "./links.ts";

function watcher(options: Partial<GuardWatcherOptions> = {}) {
  const { violations, onViolation } = found();
  const clock = fakeClock();
  return { guards: new GuardWatcher({ onViolation, clock, ...options }), violations, clock };
}

const UID = { ...NAME, uid: "ann", podIndex: 0, incarnation: 1 };

/** A pod whose periods and answers are set by hand. */
function podByHand() {
  let hear: (event: WatchedPeriod) => void = () => undefined;
  return {
    identity: undefined,
    answer: { ok: false } as unknown,
    isHeld: () => false,
    onPeriod(listener: (event: WatchedPeriod) => void) {
      hear = listener;
      return { close: () => (hear = () => undefined) };
    },
    guard(_uid: string): unknown {
      return this.answer;
    },
    enter(_uid: string): unknown {
      return this.answer;
    },
    take: (token: number) => hear({ kind: "taken", uid: "ann", link: link(token) }),
    end: () => hear({ kind: "ended", uid: "ann" }),
  };
}

const grant = (token: number) => ({ ok: true, link: link(token) });

test("a yes within its period is right, one before, after, or with another token is found", () => {
  const { guards, violations } = watcher();
  const pod = podByHand();
  const watched = guards.through(pod).pod;
  pod.take(5);
  pod.answer = grant(5);
  expect(watched.guard("ann")).toBe(pod.answer);
  expect(watched.enter("ann")).toBe(pod.answer);
  expect(violations).toEqual([]);
  pod.answer = grant(4);
  watched.guard("ann");
  expect(violations).toHaveLength(1);
  pod.answer = grant(5);
  pod.end();
  watched.enter("ann");
  expect(violations).toHaveLength(2);
  expect(violations[1]?.message).toMatch(
    /^pod 0\.1 served "ann" of test\/room with token 5 at .*; its last period had token 5 \(incarnation 1\), began at .* and ended at /,
  );
  expect(guards.observed).toBe(4);
});

test("a yes without any period is found; a no is no observation", () => {
  const { guards, violations } = watcher();
  const pod = podByHand();
  const watched = guards.through(pod).pod;
  watched.guard("ann");
  expect([guards.observed, violations.length]).toEqual([0, 0]);
  pod.answer = grant(5);
  watched.guard("ann");
  expect(violations).toMatchObject([{ message: expect.stringContaining("it never took it") }]);
});

test("an answer that was on its way when its period ended is right, one that was asked for after it is found", async () => {
  const { guards, violations, clock } = watcher();
  const pod = podByHand();
  const watched = guards.through(pod).pod;
  pod.take(5);
  let arrive: (answer: unknown) => void = () => undefined;
  pod.answer = new Promise((resolve) => (arrive = resolve));
  const first = watched.guard("ann");
  await clock.advance(1);
  pod.end();
  arrive(grant(5));
  expect(await first).toEqual(grant(5));
  expect([guards.observed, violations.length]).toEqual([1, 0]);
  await clock.advance(1);
  await watched.guard("ann");
  expect(violations).toHaveLength(1);
});

/** Periods one after another, and requests served within them. */
const legal = fc.record({
  periods: fc.array(
    fc.record({ gap: fc.integer({ min: 1, max: 9 }), lasts: fc.integer({ min: 1, max: 9 }), served: fc.nat(9) }),
    { minLength: 1, maxLength: 4 },
  ),
  newsLast: fc.boolean(),
});

test("requests served within their periods are never accused, whether news of the period comes first or last", () => {
  fc.assert(
    fc.property(legal, ({ periods, newsLast }) => {
      const { guards, violations } = watcher();
      const news: (() => void)[] = [];
      const served: (() => void)[] = [];
      let atMs = 0;
      for (const [index, { gap, lasts, served: after }] of periods.entries()) {
        const fromMs = (atMs += gap);
        const toMs = (atMs += lasts);
        const token = String(index);
        const moment = fromMs + Math.min(after, lasts);
        news.push(() => guards.taken({ ...UID, token, atMs: fromMs }));
        news.push(() => guards.ended({ ...UID, atMs: toMs }));
        served.push(() => guards.served({ ...UID, token, startedMs: moment - 3, endedMs: moment + 3 }));
      }
      for (const feed of newsLast ? [...served, ...news] : [...news, ...served]) feed();
      guards.finish();
      expect(violations).toEqual([]);
      expect(guards.observed).toBe(periods.length);
    }),
  );
});

test("one request served in no period of its token is always found when all is fed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 5 }), (startedMs, lasts) => {
      const { guards, violations } = watcher();
      const endedMs = startedMs + lasts;
      const outside = endedMs < 10 || startedMs > 20;
      guards.served({ ...UID, token: "1", startedMs, endedMs });
      guards.served({ ...UID, token: "2", startedMs: 15, endedMs: 16 });
      guards.served({ ...UID, podIndex: 1, token: "1", startedMs: 15, endedMs: 16 });
      guards.served({ ...UID, incarnation: 2, token: "1", startedMs: 15, endedMs: 16 });
      guards.taken({ ...UID, token: "1", atMs: 10 });
      guards.ended({ ...UID, atMs: 20 });
      expect(violations).toEqual([]);
      guards.finish();
      guards.finish();
      expect(violations).toHaveLength(outside ? 4 : 3);
    }),
  );
});

test("a served request whose uid may have been forgotten for the bound is counted, not accused", () => {
  const { guards, violations } = watcher({ maxUids: 1 });
  guards.taken({ ...UID, token: "1", atMs: 0 });
  guards.taken({ ...UID, uid: "bob", token: "1", atMs: 0 });
  guards.served({ ...UID, token: "1", startedMs: 1, endedMs: 2 });
  guards.finish();
  expect(violations).toEqual([]);
  expect([guards.forgotten, guards.unjudged]).toEqual([1, 1]);
});

test("what a pod of this process holds is never forgotten", () => {
  const { guards, violations } = watcher({ maxUids: 1 });
  const pod = podByHand();
  const watched = guards.through(pod).pod;
  pod.take(5);
  for (const uid of ["bob", "cat"]) guards.taken({ ...UID, uid, token: "1", atMs: 0 });
  pod.answer = grant(5);
  watched.guard("ann");
  pod.answer = grant(6);
  watched.guard("ann");
  expect(violations).toHaveLength(1);
  expect(guards.unjudged).toBe(0);
});
