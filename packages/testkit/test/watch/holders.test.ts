import fc from "fast-check";
import { expect, test } from "vitest";
import { fakeClock, HolderWatcher } from "../../src/index.ts";
import type { HolderWatcherOptions, ServedObservation, WatchedPeriod } from "../../src/index.ts";
import { found, link, NAME } from "./links.ts";

function watcher(options: Partial<HolderWatcherOptions> = {}) {
  const { violations, onViolation } = found();
  const clock = fakeClock();
  return { holders: new HolderWatcher({ onViolation, clock, ...options }), violations, clock };
}

/** A pod whose table is set by hand. */
function podOf(podIndex: number, incarnation = 1, service = "room") {
  const held = new Set<string>();
  const listeners = new Set<(event: WatchedPeriod) => void>();
  let token = 10 * (podIndex + 1);
  return {
    identity: { namespace: "test", service, podIndex, incarnation },
    asked: 0,
    isHeld(uid: string) {
      this.asked += 1;
      return held.has(uid);
    },
    onPeriod(listener: (event: WatchedPeriod) => void) {
      listeners.add(listener);
      return { close: () => void listeners.delete(listener) };
    },
    guard: (uid: string): unknown => ({ ok: held.has(uid), link: link(token, { uid, podIndex, incarnation }) }),
    enter: (uid: string): unknown => Promise.resolve({ ok: held.has(uid), link: link(token, { uid, podIndex }) }),
    /** Holds it without telling. */
    keep: (uid: string) => void held.add(uid),
    take(uid: string) {
      held.add(uid);
      token += 1;
      for (const listener of listeners) {
        listener({ kind: "taken", uid, link: link(token, { uid, service, podIndex, incarnation }) });
      }
    },
    drop(uid: string) {
      held.delete(uid);
      for (const listener of listeners) listener({ kind: "ended", uid });
    },
  };
}

const moves = fc.array(fc.record({ uid: fc.constantFrom("ann", "bob"), pod: fc.integer({ min: 0, max: 2 }) }), {
  minLength: 1,
  maxLength: 40,
});

test("pods that hand uids over, each letting go before the other takes, are never accused", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const { holders, violations } = watcher();
      const pods = [podOf(0), podOf(1), podOf(2)];
      for (const pod of pods) holders.attach(pod);
      const owner = new Map<string, number>();
      for (const { uid, pod } of all) {
        pods[owner.get(uid) ?? pod]?.drop(uid);
        pods[pod]?.take(uid);
        owner.set(uid, pod);
        holders.sample();
      }
      expect(violations).toEqual([]);
      expect(holders.observed).toBeGreaterThanOrEqual(all.length);
    }),
  );
});

test("one pod that doesn't let go is found at the moment another takes the uid, and once", () => {
  fc.assert(
    fc.property(moves, (all) => {
      const { holders, violations } = watcher();
      const pods = [podOf(0), podOf(1), podOf(2)];
      for (const pod of pods) holders.attach(pod);
      for (const { uid, pod } of all) {
        for (const other of pods) other.drop(uid);
        pods[pod]?.take(uid);
      }
      for (const pod of pods) pod.drop("ann");
      pods[0]?.keep("ann");
      pods[1]?.take("ann");
      holders.sample();
      holders.sample();
      expect(violations).toHaveLength(1);
      expect(violations[0]?.message).toMatch(
        /^"ann" of test\/room: asked at the same instant, .* pod 0\.1 and pod 1\.1$/,
      );
    }),
  );
});

test("one that begins to lie later is found by the next sample, or the next yes of a guard", async () => {
  const { holders, violations } = watcher();
  const [honest, liar] = [podOf(0), podOf(1)];
  const guarded = holders.through(honest);
  holders.attach(liar);
  honest.take("ann");
  honest.take("bob");
  liar.keep("ann");
  expect(violations).toEqual([]);
  holders.sample();
  expect(violations).toMatchObject([{ evidence: { kind: "both-say-mine", link: { uid: "ann" } } }]);
  liar.keep("bob");
  expect(guarded.pod.guard("bob")).toMatchObject({ ok: true });
  expect(violations).toHaveLength(2);
  liar.keep("cat");
  honest.keep("cat");
  await guarded.pod.enter("cat");
  expect(violations).toHaveLength(3);
  guarded.close();
  liar.keep("dan");
  honest.take("dan");
  expect(violations).toHaveLength(3);
});

test("pods of other services, and pods that stand still, are not asked", () => {
  const { holders, violations } = watcher();
  let runs = false;
  const [first, elsewhere, paused] = [podOf(0), podOf(1, 1, "chat"), podOf(2)];
  holders.attach(first);
  holders.attach(elsewhere);
  holders.attach(paused, { runs: () => runs });
  elsewhere.keep("ann");
  paused.keep("ann");
  first.take("ann");
  expect([elsewhere.asked, paused.asked]).toEqual([0, 0]);
  expect(violations).toEqual([]);
  runs = true;
  holders.sample();
  expect(violations).toHaveLength(1);
});

test("what the assumptions don't cover is excused, and counted", () => {
  const { holders, violations } = watcher({ excused: ({ uid }) => uid === "ann" });
  const [first, second] = [podOf(0), podOf(1)];
  holders.attach(first);
  holders.attach(second);
  first.keep("ann");
  second.take("ann");
  expect([holders.excused, violations.length]).toEqual([1, 0]);
});

/** Pods in turn, each for a while; requests that were answered at a moment within an interval. */
const runs = fc
  .record({
    tenures: fc.array(fc.integer({ min: 5, max: 40 }), { minLength: 1, maxLength: 3 }),
    requests: fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 160 }),
        before: fc.integer({ min: 0, max: 30 }),
        after: fc.integer({ min: 0, max: 30 }),
      }),
      { minLength: 1, maxLength: 30 },
    ),
    seed: fc.integer(),
  })
  .map(({ tenures, requests, seed }) => {
    const ends = tenures.map((_, index) => tenures.slice(0, index + 1).reduce((sum, ms) => sum + ms, 0));
    const lastEnd = ends.at(-1) ?? 0;
    const served = requests
      .filter(({ at }) => at < lastEnd)
      .map(({ at, before, after }) =>
        observed(
          ends.findIndex((end) => at < end),
          at - before,
          at + after,
        ),
      );
    return { served: served.toSorted((a, b) => hash(a, seed) - hash(b, seed)), lastEnd, pods: tenures.length };
  });

function observed(podIndex: number, startedMs: number, endedMs: number): ServedObservation {
  return { ...NAME, uid: "ann", podIndex, incarnation: 1, token: String(10 + podIndex), startedMs, endedMs };
}

function hash({ startedMs, endedMs }: ServedObservation, seed: number): number {
  return Math.imul(startedMs * 31 + endedMs + seed, 2_654_435_761) >>> 0;
}

test("answers of pods that hold a uid one after another are never accused, however they overlap and arrive", () => {
  fc.assert(
    fc.property(runs, ({ served }) => {
      const { holders, violations } = watcher();
      for (const observation of served) holders.served(observation);
      expect(violations).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});

test("one answer of another pod inside of a time in which a pod held the uid is always found, wherever it arrives", () => {
  fc.assert(
    fc.property(runs, fc.nat(), ({ served, lastEnd, pods }, position) => {
      const { holders, violations } = watcher();
      const last = [observed(pods, lastEnd, lastEnd + 1), observed(pods, lastEnd + 10, lastEnd + 11)];
      const planted = observed(0, lastEnd + 3, lastEnd + 5);
      const all = [...served, ...last];
      all.splice(position % (all.length + 1), 0, planted);
      for (const observation of all.slice(-4)) holders.served(observation);
      for (const observation of all.slice(0, -4)) holders.served(observation);
      expect(violations.length).toBeGreaterThan(0);
    }),
    { numRuns: 1000 },
  );
});

test("times that pods give of themselves may touch, not overlap", () => {
  const { holders, violations } = watcher();
  const held = (podIndex: number, fromMs: number, toMs: number) =>
    holders.held({ ...NAME, uid: "ann", podIndex, incarnation: 1, token: String(podIndex), fromMs, toMs });
  held(0, 0, 10);
  held(1, 10, 20);
  expect(violations).toEqual([]);
  held(2, 19, 30);
  expect(violations.map(({ message }) => message)).toEqual([
    '"ann" of test/room was held by two at the same time: pod 1.1 with token 1 from 10.0 ms to 20.0 ms; pod 2.1 with token 2 from 19.0 ms to 30.0 ms',
  ]);
});

test("beyond the bound the uid seen least recently is forgotten, and counted; so is what is asked for", () => {
  const { holders, violations } = watcher({ maxUids: 1 });
  const held = (uid: string, podIndex: number) =>
    holders.held({ ...NAME, uid, podIndex, incarnation: 1, token: String(podIndex), fromMs: 0, toMs: 10 });
  held("ann", 0);
  held("bob", 0);
  held("ann", 1);
  expect(violations).toEqual([]);
  expect(holders.forgotten).toBe(2);
  holders.forget({ ...NAME, uid: "ann" });
  held("ann", 2);
  holders.forget();
  held("ann", 3);
  expect(violations).toEqual([]);
});
