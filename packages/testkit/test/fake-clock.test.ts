import { sleep, withDeadline } from "@podlink/types";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fakeClock } from "../src/index.ts";

test("time stands still until it is moved", async () => {
  const clock = fakeClock();
  const [nowMs, wallMs] = [clock.nowMs(), clock.wallMs()];
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([clock.nowMs(), clock.wallMs()]).toEqual([nowMs, wallMs]);
  await clock.advance(1500);
  expect([clock.nowMs(), clock.wallMs()]).toEqual([nowMs + 1500, wallMs + 1500]);
});

test("the wall time starts where it is told, the monotonic one not at 0", () => {
  const clock = fakeClock(5000);
  expect(clock.wallMs()).toBe(5000);
  expect(clock.nowMs()).toBeGreaterThan(0);
});

test("timers fire in the order they are due, equal ones in the order they were set, each at its own moment", async () => {
  const clock = fakeClock();
  const start = clock.nowMs();
  const fired: [string, number][] = [];
  const set = (name: string, delayMs: number) =>
    clock.setTimer(delayMs, () => fired.push([name, clock.nowMs() - start]));
  set("c", 30);
  set("a", 10);
  set("b1", 20);
  set("b2", 20);
  set("later", 41);
  await clock.advance(40);
  expect(fired).toEqual([
    ["a", 10],
    ["b1", 20],
    ["b2", 20],
    ["c", 30],
  ]);
  expect(clock.pendingTimers).toBe(1);
  await clock.advance(1);
  expect(fired.at(-1)).toEqual(["later", 41]);
  expect(clock.pendingTimers).toBe(0);
});

test("a timer fires at its moment, not before", async () => {
  const clock = fakeClock();
  let fired = 0;
  clock.setTimer(10, () => (fired += 1));
  await clock.advance(9);
  expect(fired).toBe(0);
  await clock.advance(1);
  expect(fired).toBe(1);
  await clock.advance(100);
  expect(fired).toBe(1);
});

test("a timer set by a timer fires in the same advance when it comes due in it", async () => {
  const clock = fakeClock();
  const start = clock.nowMs();
  const moments: number[] = [];
  const tick = (): void => {
    moments.push(clock.nowMs() - start);
    clock.setTimer(100, tick);
  };
  clock.setTimer(100, tick);
  await clock.advance(350);
  expect(moments).toEqual([100, 200, 300]);
});

test("a cancelled timer doesn't fire; cancelling twice, or after it fired, does nothing", async () => {
  const clock = fakeClock();
  let fired = 0;
  const cancelled = clock.setTimer(10, () => (fired += 1));
  const kept = clock.setTimer(10, () => (fired += 10));
  cancelled.cancel();
  cancelled.cancel();
  await clock.advance(10);
  kept.cancel();
  expect(fired).toBe(10);
});

test("promise chains run to their end before the first timer, between any two, and after the last", async () => {
  const clock = fakeClock();
  const seen: string[] = [];
  const chain = async (name: string): Promise<void> => {
    for (let step = 0; step < 50; step += 1) await Promise.resolve();
    seen.push(name);
  };
  void chain("before");
  for (const [name, delayMs] of [
    ["one", 10],
    ["two", 20],
  ] as const) {
    clock.setTimer(delayMs, () => {
      seen.push(`${name} fires`);
      void chain(`${name} has run`);
    });
  }
  await clock.advance(20);
  expect(seen).toEqual(["before", "one fires", "one has run", "two fires", "two has run"]);
});

test("a chain of sleeps passes within one advance, and deadlines of it are met", async () => {
  const clock = fakeClock();
  const work = (async () => {
    for (let step = 0; step < 10; step += 1) await sleep(100, { clock });
    return "done";
  })();
  const answer = withDeadline(work, { clock, what: "the work", timeoutMs: 1001 });
  await clock.advance(1000);
  expect(await answer).toBe("done");
  expect(clock.pendingTimers).toBe(0);
});

test("advance(0) lets promise chains run and fires what is due now", async () => {
  const clock = fakeClock();
  let fired = false;
  clock.setTimer(0, () => (fired = true));
  clock.setTimer(-5, () => undefined);
  await clock.advance(0);
  expect([fired, clock.pendingTimers]).toEqual([true, 0]);
});

test("a jump of the wall time moves nothing else", async () => {
  const clock = fakeClock();
  const [nowMs, wallMs] = [clock.nowMs(), clock.wallMs()];
  let fired = false;
  clock.setTimer(1000, () => (fired = true));
  clock.jumpWall(3_600_000);
  await clock.advance(0);
  expect([clock.nowMs(), clock.wallMs(), fired]).toEqual([nowMs, wallMs + 3_600_000, false]);
  clock.jumpWall(-7_200_000);
  expect(clock.wallMs()).toBe(wallMs - 3_600_000);
});

test("time never goes back, and only one advance goes on at a time", async () => {
  const clock = fakeClock();
  await expect(clock.advance(-1)).rejects.toThrow("forward");
  await expect(clock.advance(Number.NaN)).rejects.toThrow("forward");
  const first = clock.advance(10);
  await expect(clock.advance(10)).rejects.toThrow("under way");
  await first;
  await clock.advance(10);
});

test("what a timer throws is what advance rejects with; the clock goes on", async () => {
  const clock = fakeClock();
  clock.setTimer(10, () => {
    throw new Error("from the timer");
  });
  await expect(clock.advance(10)).rejects.toThrow("from the timer");
  await clock.advance(10);
});

test("timers of any delays fire ordered by due time", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 100 })), async (delays) => {
      const clock = fakeClock();
      const fired: number[] = [];
      for (const delayMs of delays) clock.setTimer(delayMs, () => fired.push(delayMs));
      await clock.advance(100);
      expect(fired).toEqual(delays.toSorted((one, other) => one - other));
    }),
    { numRuns: 50 },
  );
});
