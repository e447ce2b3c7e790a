import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { fakeClock } from "@podlink/testkit";
import { expect, test } from "vitest";
import { WebSocketLine } from "../src/websocket-line.ts";
import { frameOf } from "./support/ws-frames.ts";

/** A connection of which the test says when a write is done. */
class SlowSocket extends Duplex {
  readonly written: Buffer[] = [];
  #done: (() => void) | undefined;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    this.#done = done;
  }

  flush(): void {
    this.#done?.();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function joined(podLost = (): void => undefined) {
  const clock = fakeClock();
  const client = new SlowSocket();
  const pod = new SlowSocket();
  const line = new WebSocketLine({ client, head: Buffer.alloc(0), idleMs: 0, clock, podLost });
  line.join(pod as unknown as Socket, Buffer.alloc(0));
  return { clock, client, pod, line };
}

test("a pod's own close frame still goes out to a slow client after the pod's end", async () => {
  const { client, pod } = joined();
  pod.push(Buffer.from([0x88, 2, 0x0f, 0xa1]));
  pod.push(null);
  await turn();
  expect([client.written.length, client.destroyed]).toEqual([1, false]);
  client.flush();
  await turn();
  expect(client.writableFinished).toBe(true);
});

test("a client that answers 1012 is ended by its answer, and one that doesn't by time", async () => {
  for (const answers of [true, false]) {
    const { clock, client, line } = joined();
    expect(line.restart()).toBe(true);
    client.flush();
    await turn();
    expect([client.writableEnded, clock.pendingTimers]).toEqual([false, 1]);
    if (answers) client.push(frameOf({ kind: "close", bytes: 2 }, "client"));
    else await clock.advance(5000);
    await turn();
    await turn();
    expect([client.destroyed, clock.pendingTimers]).toEqual([true, 0]);
  }
});

test("nothing is said after the pod's close frame has gone out", async () => {
  const { client, pod, line } = joined();
  pod.push(Buffer.from([0x88, 2, 0x0f, 0xa1]));
  await turn();
  expect(line.restart()).toBe(false);
  expect(client.written).toHaveLength(1);
});
