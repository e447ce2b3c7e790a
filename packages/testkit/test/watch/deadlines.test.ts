import type { Clock } from "@podlink/types";
import { defer } from "@podlink/types";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DeadlineWatcher, expectNothingLeftOpen, fakeClock } from "../../src/index.ts";
import { found } from "./links.ts";

function watcher(slackMs?: number) {
  const { violations, onViolation } = found();
  const clock = fakeClock();
  const deadlines = new DeadlineWatcher({ onViolation, clock, ...(slackMs === undefined ? undefined : { slackMs }) });
  return { deadlines, violations, clock };
}

test("promises that settle by their deadline and slack are never accused; one that doesn't always is", async () => {
  const calls = fc.array(
    fc.record({ within: fc.integer({ min: 0, max: 200 }), late: fc.integer({ min: -200, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 20,
    },
  );
  await fc.assert(
    fc.asyncProperty(calls, fc.boolean(), async (all, plant) => {
      const { deadlines, violations, clock } = watcher(10);
      for (const { within, late } of all) {
        const work = defer<void>();
        void deadlines.watch("call", work.promise, within);
        clock.setTimer(Math.max(0, within + late), () => work.resolve());
      }
      if (plant) void deadlines.watch("planted", () => new Promise(() => undefined), 100);
      await clock.advance(1000);
      expect(violations.map(({ evidence }) => evidence["name"])).toEqual(plant ? ["planted"] : []);
      expect(deadlines.observed).toBe(all.length + (plant ? 1 : 0));
      expect(deadlines.pending).toBe(0);
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test("a promise that doesn't settle is found at its deadline and slack, not before, and once", async () => {
  const { deadlines, violations, clock } = watcher();
  const late = defer<string>();
  const watched = deadlines.watch("resolve", () => late.promise, 1000);
  await clock.advance(1049);
  expect(violations).toEqual([]);
  await clock.advance(1);
  expect(violations).toMatchObject([
    { invariant: "deadlines", evidence: { name: "resolve", withinMs: 1000, slackMs: 50, pendingAfterMs: 1050 } },
  ]);
  expect(violations[0]?.message).toMatch(
    /^resolve: called at 1000\.0 ms with a deadline of 1000\.0 ms, not settled at 2050/,
  );
  late.resolve("at last");
  expect(await watched).toBe("at last");
  await clock.advance(10_000);
  expect(violations).toHaveLength(1);
});

test("what the call answers or rejects with comes through, also what it throws at once", async () => {
  const { deadlines, violations, clock } = watcher();
  expect(await deadlines.watch("a", async () => 42, 10)).toBe(42);
  await expect(deadlines.watch("b", Promise.reject(new Error("no")), 10)).rejects.toThrow("no");
  const throwing = (): Promise<void> => {
    throw new RangeError("bad");
  };
  expect(() => deadlines.watch("c", throwing, 10)).toThrow(RangeError);
  expect(() => deadlines.watch("d", async () => 1, Number.NaN)).toThrow("withinMs of d must be at least 0; got NaN");
  await clock.advance(1000);
  expect(violations).toEqual([]);
});

/** A clock whose timers wait while the process stands still. */
function pausable() {
  const base = fakeClock();
  let paused = false;
  let waiting: (() => void)[] = [];
  const clock: Clock = {
    ...base,
    setTimer: (delayMs, run) => base.setTimer(delayMs, () => void (paused ? waiting.push(run) : run())),
  };
  return {
    clock,
    advance: (ms: number) => base.advance(ms),
    stand: async (ms: number) => {
      paused = true;
      await base.advance(ms);
      paused = false;
      const due = waiting;
      waiting = [];
      for (const run of due) run();
    },
  };
}

test("what this process stood still is granted in addition, and no more than that", async () => {
  const { violations, onViolation } = found();
  const { clock, advance, stand } = pausable();
  const deadlines = new DeadlineWatcher({ onViolation, clock, slackMs: 20 });
  const saved = defer<void>();
  void deadlines.watch("saved", saved.promise, 100);
  void deadlines.watch("never", new Promise(() => undefined), 100);
  await advance(50);
  await stand(400);
  await advance(59);
  expect(violations).toEqual([]);
  saved.resolve();
  await advance(1);
  expect(violations).toMatchObject([{ evidence: { name: "never", processLateMs: 390, pendingAfterMs: 510 } }]);
  expect(violations[0]?.message).toContain("390.0 ms in which this process stood still");
});

test("a blocked event loop accuses nobody, neither before the call has set its timer nor after", async () => {
  const { violations, onViolation } = found();
  const deadlines = new DeadlineWatcher({ onViolation, slackMs: 20 });
  const timer = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
  const block = (): void => {
    const until = performance.now() + 200;
    while (performance.now() < until);
  };
  const after = deadlines.watch("blocked after", timer, 50);
  block();
  const before = deadlines.watch("blocked before", () => (block(), timer()), 50);
  await Promise.all([before, after]);
  expect(violations).toEqual([]);
});

test("every method of a store that returns a promise is held to the timeout it was called with, or the default", async () => {
  const { deadlines, violations, clock } = watcher(10);
  const never = (): Promise<never> => new Promise(() => undefined);
  const store = deadlines.through(
    { execute: (_op: object, _call?: { timeoutMs?: number }) => never(), report: never, epoch: () => 7, close: never },
    { name: "store", withinMs: undefinedFor("close") },
  );
  expect(store.epoch()).toBe(7);
  void store.close();
  void store.execute({}, { timeoutMs: 300 });
  void store.execute({});
  void store.report();
  await clock.advance(310);
  expect(violations.map(({ evidence }) => evidence["name"])).toEqual(["store.execute"]);
  await clock.advance(1000);
  expect(violations.map(({ evidence }) => [evidence["name"], evidence["withinMs"]])).toEqual([
    ["store.execute", 300],
    ["store.execute", 1000],
    ["store.report", 1000],
  ]);
  expect(deadlines.observed).toBe(3);
});

/** What the default says, but for one method. */
function undefinedFor(unwatched: string) {
  return (method: string, args: readonly unknown[]): number | undefined => {
    const last = args.at(-1) as { timeoutMs?: number } | undefined;
    return method === unwatched ? undefined : (last?.timeoutMs ?? 1000);
  };
}

test("without `withinMs` a call's last argument says how long it may take", async () => {
  const { deadlines, violations, clock } = watcher(0);
  const store = deadlines.through({ get: (..._args: unknown[]) => new Promise<never>(() => undefined) });
  void store.get("ann", { timeoutMs: 5 });
  void store.get("ann");
  await clock.advance(999);
  expect(violations.map(({ evidence }) => evidence["withinMs"])).toEqual([5]);
  await clock.advance(1);
  expect(violations.map(({ evidence }) => evidence["withinMs"])).toEqual([5, 1000]);
});

test("the end of all that is pending can be waited for, and nothing is left open", async () => {
  const { violations, onViolation } = found();
  await expectNothingLeftOpen(async () => {
    const deadlines = new DeadlineWatcher({ onViolation, slackMs: 1 });
    await deadlines.watch("fast", async () => 1, 60_000);
    void deadlines.watch("never", new Promise(() => undefined), 5);
    await deadlines.whenSettled();
    expect(deadlines.pending).toBe(0);
  });
  expect(violations).toHaveLength(1);
});
