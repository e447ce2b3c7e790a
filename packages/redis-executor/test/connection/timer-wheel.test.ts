import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { fakeClock } from "@podlink/testkit";
import { defer, systemClock } from "@podlink/types";
import { expect, test } from "vitest";
import { TimerWheel } from "../../src/timer-wheel.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a deadline passes not before its time, and once", async () => {
  const clock = fakeClock();
  const wheel = new TimerWheel(clock);
  const passed: number[] = [];
  wheel.setTimer(500, () => passed.push(clock.nowMs()));
  const startedAt = clock.nowMs();
  await clock.advance(499);
  await turn();
  expect(passed).toEqual([]);
  await clock.advance(10);
  await turn();
  expect(passed).toHaveLength(1);
  expect((passed[0] ?? 0) - startedAt).toBeGreaterThanOrEqual(500);
  await clock.advance(5000);
  expect(passed).toHaveLength(1);
});

test("thousands of deadlines are one timer, and none when all were cancelled and their time is over", async () => {
  const clock = fakeClock();
  const wheel = new TimerWheel(clock);
  const timers = Array.from({ length: 5000 }, (_, index) => wheel.setTimer(500 + (index % 100), () => undefined));
  expect(clock.pendingTimers).toBe(1);
  for (const timer of timers) timer.cancel();
  await clock.advance(1000);
  expect(clock.pendingTimers).toBe(0);
});

test("however many deadlines are due at once, each passes", async () => {
  const clock = fakeClock();
  const wheel = new TimerWheel(clock);
  let passed = 0;
  for (let count = 0; count < 300_000; count += 1) wheel.setTimer(10, () => (passed += 1));
  await clock.advance(20);
  await turn();
  expect(passed).toBe(300_000);
});

test("an earlier deadline that comes later passes first", async () => {
  const clock = fakeClock();
  const wheel = new TimerWheel(clock);
  const passed: string[] = [];
  wheel.setTimer(1000, () => passed.push("late"));
  wheel.setTimer(100, () => passed.push("early"));
  await clock.advance(110);
  await turn();
  expect(passed).toEqual(["early"]);
  await clock.advance(1000);
  await turn();
  expect(passed).toEqual(["early", "late"]);
});

test("one that is cancelled while it waits for its turn of the loop doesn't pass", async () => {
  const clock = fakeClock();
  const wheel = new TimerWheel(clock);
  const passed: string[] = [];
  const second = wheel.setTimer(10, () => passed.push("second"));
  const first = wheel.setTimer(5, () => {
    passed.push("first");
    second.cancel();
  });
  await clock.advance(20);
  await turn();
  expect(passed).toEqual(["first"]);
  first.cancel();
});

test("what a busy process finds in its sockets comes before the deadline", async () => {
  const wheel = new TimerWheel(systemClock);
  const order: string[] = [];
  const late = defer<void>();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  // Both ends stand before anything is measured: the socket reads already.
  const [[peer]] = (await Promise.all([once(server, "connection"), once(socket, "connect")])) as [[Socket], unknown];
  const heard = once(socket, "data").then(() => order.push("answer"));
  await turn();
  wheel.setTimer(1, () => {
    order.push("deadline");
    late.resolve();
  });
  peer.end("there"); // in the kernel from here on
  const busyUntil = performance.now() + 60;
  while (performance.now() < busyUntil); // the deadline passes, and the answer waits to be read
  await Promise.all([heard, late.promise]);
  expect(order).toEqual(["answer", "deadline"]);
  server.close();
});

test("after close nothing passes and no timer is left", async () => {
  const clock = fakeClock();
  const wheel = new TimerWheel(clock);
  const passed: string[] = [];
  wheel.setTimer(10, () => passed.push("one"));
  wheel.close();
  expect(clock.pendingTimers).toBe(0);
  await clock.advance(100);
  await turn();
  expect(passed).toEqual([]);
});
