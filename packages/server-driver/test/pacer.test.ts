import { fakeClock } from "@podlink/testkit";
import { expect, test } from "vitest";
import { Pacer } from "../src/pacer.ts";

test.each([1, 10, 500, 2000])("%i turns a second are given, not more", async (rate) => {
  const clock = fakeClock();
  const pacer = new Pacer(clock, () => rate);
  const stop = new AbortController();
  let taken = 0;
  const work = (async () => {
    for (let turns = 1; turns > 0; taken += turns) turns = await pacer.take(1_000_000, stop.signal);
  })();
  await clock.advance(10_000);
  expect(taken).toBeGreaterThanOrEqual(rate * 10 * 0.95);
  expect(taken).toBeLessThanOrEqual(rate * 10 + 1 + rate * 0.05);
  stop.abort();
  await work;
  expect(clock.pendingTimers).toBe(0);
});

test("turns that nobody took are not saved up", async () => {
  const clock = fakeClock();
  const pacer = new Pacer(clock, () => 1000);
  await clock.advance(60_000);
  expect(await pacer.take(1000)).toBe(50);
});

test("once it is hurried all turns are given at once, also to who waits for the next slice", async () => {
  const clock = fakeClock();
  const hurried = new AbortController();
  const pacer = new Pacer(clock, () => 1, hurried.signal);
  expect(await pacer.take(10)).toBe(1);
  const next = pacer.take(10);
  await clock.advance(0);
  expect(clock.pendingTimers).toBe(1);
  hurried.abort();
  expect(await next).toBe(10);
  expect(await pacer.take(10)).toBe(10);
  expect(clock.pendingTimers).toBe(0);
});
