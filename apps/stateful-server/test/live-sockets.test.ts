import { EventEmitter } from "node:events";
import { fakeClock } from "@podlink/testkit";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { CLOSE, LiveSockets } from "../src/live-sockets.ts";

/** A connection whose other end doesn't read. */
class StuckSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  closedWith: number | undefined;
  send(text: string): void {
    this.bufferedAmount += text.length;
  }
  close(code: number): void {
    this.readyState = 2;
    this.closedWith = code;
  }
  ping(): void {
    this.emit("pong");
  }
}

const change = { sequence: 1, kind: "say", count: 0, text: "x".repeat(400) } as const;

test("a socket that doesn't read is closed with 1013 when too much waits for it", () => {
  const sockets = new LiveSockets({ maxSocketBacklogBytes: 1024, pingMs: 1000 }, fakeClock());
  const stuck = new StuckSocket();
  sockets.add("alice", stuck as unknown as WebSocket);
  for (let push = 0; push < 10; push += 1) sockets.push("alice", [change]);
  expect(stuck.closedWith).toBe(CLOSE.tooSlow);
  expect(stuck.bufferedAmount).toBeLessThan(2048);
  sockets.closeAll(CLOSE.goingAway);
});

test("one timer pings them all, and there is none without sockets", async () => {
  const clock = fakeClock();
  const sockets = new LiveSockets({ maxSocketBacklogBytes: 1024, pingMs: 1000 }, clock);
  const both = [new StuckSocket(), new StuckSocket()];
  for (const [index, socket] of both.entries()) sockets.add(`user-${index}`, socket as unknown as WebSocket);
  await clock.advance(5000);
  expect([sockets.size, clock.pendingTimers]).toEqual([2, 1]);
  for (const socket of both) socket.emit("close");
  await clock.advance(1000);
  expect([sockets.size, sockets.has("user-0"), clock.pendingTimers]).toEqual([0, false, 0]);
});

test("the end of a period takes its sockets out at once, and no others", () => {
  const sockets = new LiveSockets({ maxSocketBacklogBytes: 1024, pingMs: 1000 }, fakeClock());
  const [alice, bob] = [new StuckSocket(), new StuckSocket()];
  sockets.add("alice", alice as unknown as WebSocket);
  sockets.add("bob", bob as unknown as WebSocket);
  sockets.endPeriod("alice", CLOSE.comeBack);
  sockets.endPeriod("nobody", CLOSE.comeBack);
  expect([alice.closedWith, bob.closedWith, sockets.size]).toEqual([1012, undefined, 1]);
  alice.emit("close");
  expect(sockets.size).toBe(1);
  sockets.closeAll(CLOSE.goingAway);
  expect(bob.closedWith).toBe(1001);
});
