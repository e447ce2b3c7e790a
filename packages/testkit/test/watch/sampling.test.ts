import { defer } from "@podlink/types";
import { expect, test } from "vitest";
import { expectNothingLeftOpen, fakeClock, sampling } from "../../src/index.ts";

test("each looks at once and again a period after the round before; rounds never overlap", async () => {
  const clock = fakeClock();
  let looks = 0;
  let slow = defer<void>();
  const started = sampling([{ sample: () => (looks += 1) }, { sample: () => slow.promise }], { clock, everyMs: 100 });
  await clock.advance(1000);
  expect([looks, started.rounds]).toEqual([1, 0]);
  slow.resolve();
  await clock.advance(0);
  expect(started.rounds).toBe(1);
  slow = defer();
  await clock.advance(99);
  expect(looks).toBe(1);
  await clock.advance(1);
  expect(looks).toBe(2);
  slow.resolve();
  await started.close();
});

test("a look that fails is counted and stops nothing", async () => {
  const clock = fakeClock();
  let looks = 0;
  const down = new Error("down");
  const failing = {
    sample: () => {
      throw down;
    },
  };
  const started = sampling([failing, { sample: () => (looks += 1) }], { clock, everyMs: 10 });
  await clock.advance(20);
  expect([looks, started.failures, started.lastError]).toEqual([3, 3, down]);
  await started.close();
  expect(clock.pendingTimers).toBe(0);
});

test("its end waits for the look under way, and leaves no timer", async () => {
  const clock = fakeClock();
  const look = defer<void>();
  let looks = 0;
  const started = sampling([{ sample: () => look.promise }, { sample: () => (looks += 1) }], { clock });
  let closed = false;
  const closing = started.close().then(() => (closed = true));
  await clock.advance(0);
  expect(closed).toBe(false);
  look.resolve();
  await closing;
  await clock.advance(1000);
  expect([looks, clock.pendingTimers]).toEqual([0, 0]);
  await started.close();
});

test("closed during the last look of a round it begins no other", async () => {
  const clock = fakeClock();
  const look = defer<void>();
  const started = sampling([{ sample: () => look.promise }], { clock });
  const closing = started.close();
  look.resolve();
  await closing;
  expect(clock.pendingTimers).toBe(0);
});

test("on real timers nothing is left open", async () => {
  await expectNothingLeftOpen(async () => {
    await using started = sampling([{ sample: () => undefined }], { everyMs: 1 });
    while (started.rounds < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  });
});
