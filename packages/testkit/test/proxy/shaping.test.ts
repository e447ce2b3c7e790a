import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { fakeClock } from "../../src/index.ts";
import { echo, quiet, startPair, until } from "./ends.ts";

test("a delay: not before its time, in one direction alone if it is said", async () => {
  const clock = fakeClock();
  const { proxy, client, server } = await startPair({ clock });
  const rule = proxy.add({ fault: "delay", ms: 200, direction: "toServer" });
  client.send("late");
  await rule.whenFired();
  server.send("at once");
  await client.received("at once");
  await clock.advance(199);
  await quiet();
  expect(server.text).toBe("");
  await clock.advance(1);
  await server.received("late");
});

test("delays of several rules add up; one that ends lets go what it held", async () => {
  const clock = fakeClock();
  const { proxy, client, server } = await startPair({ clock });
  const [first, second] = [proxy.add({ fault: "delay", ms: 100 }), proxy.add({ fault: "delay", ms: 60_000 })];
  client.send("x");
  await second.whenFired();
  await clock.advance(100);
  await quiet();
  expect(server.text).toBe("");
  second.end();
  await server.received("x");
  expect(first.fired).toBe(1);
});

test("chunks on their way at the same time are delayed at the same time, and jitter never changes their order", async () => {
  const clock = fakeClock();
  const { proxy, client, server } = await startPair({ clock, seed: 7 });
  const rule = proxy.add({ fault: "delay", ms: 100, jitterMs: 80, direction: "toServer" });
  const letters = "abcdefghijklmnopqrst";
  for (const [index, letter] of Array.from(letters).entries()) {
    client.send(letter);
    await rule.whenFired({ times: index + 1 });
    expect(server.text).toBe("");
  }
  const delays = proxy.record.flatMap(({ delayMs }) => (delayMs === undefined ? [] : [delayMs]));
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(20);
  expect(Math.max(...delays)).toBeLessThanOrEqual(180);
  expect(new Set(delays).size).toBe(letters.length);
  for (let index = 0; index < letters.length; index += 1) {
    await clock.advance(10);
    await quiet();
    const arrived = letters.slice(0, server.text.length);
    expect(server.text).toBe(arrived);
    // Whoever has arrived was due; who comes behind a later one waits for it.
    const due = delays.findIndex((delay) => delay > 10 * (index + 1));
    expect(server.text).toHaveLength(due < 0 ? letters.length : due);
  }
});

test("a FIN and a RST are delayed like bytes: nothing overtakes", async () => {
  for (const ending of ["fin", "rst"] as const) {
    const clock = fakeClock();
    const { proxy, client, server } = await startPair({ clock });
    const rule = proxy.add({ fault: "delay", ms: 100 });
    client.send("last words");
    await rule.whenFired();
    if (ending === "fin") client.socket.end();
    else client.socket.resetAndDestroy();
    await quiet();
    expect([server.text, server.ending]).toEqual(["", undefined]);
    await clock.advance(100);
    await server.ended(ending);
    expect(server.text).toBe("last words");
  }
});

test("a throttle lets so many bytes through in a second, evenly, in each direction", async () => {
  const clock = fakeClock();
  const { proxy, client, server } = await startPair({ clock, onConnection: echo });
  const rule = proxy.add({ fault: "throttle", bytesPerSecond: 1000 });
  client.send("x".repeat(1000));
  await rule.whenFired();
  for (let ms = 20; ms <= 1000; ms += 20) {
    await clock.advance(20);
    await until(`${ms} bytes`, () => server.bytes.length >= ms);
    expect(server.bytes).toHaveLength(ms);
    expect(client.bytes.length).toBeLessThan(ms); // comes back at the same rate, later
  }
});

test("a sender that is faster than a throttle has to wait: the proxy holds no more than it may", async () => {
  const maxBufferedBytes = 100_000;
  const { proxy, client, server } = await startPair({ clock: fakeClock(), maxBufferedBytes });
  proxy.add({ fault: "throttle", bytesPerSecond: 1 });
  const sent = randomBytes(64_000_000);
  client.send(sent);
  await until("the proxy is full", () => proxy.counts.held.toServer >= maxBufferedBytes);
  await quiet();
  expect(proxy.counts.held.toServer).toBeLessThan(maxBufferedBytes + 65_536 + 1);
  expect(client.socket.writableLength).toBe(sent.length); // its write isn't done
  proxy.heal();
  await until("all has arrived", () => server.reads.reduce((sum, { length }) => sum + length, 0) === sent.length);
  const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
  expect(hash(server.bytes)).toBe(hash(sent));
});

test("a receiver that doesn't read makes its sender wait, without any fault", async () => {
  const { proxy, client, server } = await startPair({ maxBufferedBytes: 100_000 });
  server.socket.pause();
  client.send(randomBytes(64_000_000));
  await until("the proxy is full", () => proxy.counts.held.toServer >= 100_000);
  await quiet();
  expect(proxy.counts.held.toServer).toBeLessThan(100_000 + 65_536 + 1);
  server.socket.resume();
  await until("all has arrived", () => proxy.counts.delivered.toServer === 64_000_000);
});

test("in pieces of a size, which a receiver that keeps up reads one by one", async () => {
  for (const pieceBytes of [undefined, 4]) {
    const { proxy, client, server } = await startPair();
    proxy.add({ fault: "fragment", ...(pieceBytes === undefined ? {} : { pieceBytes }) });
    const sent = "one by one".repeat(20);
    client.send(sent);
    await server.received(sent);
    const pieces = sent.length / (pieceBytes ?? 1);
    expect(server.reads.length).toBeLessThanOrEqual(pieces);
    expect(server.reads.length).toBeGreaterThan(pieces / 2); // a busy kernel may deliver two at once
    for (const { length } of server.reads) expect(length % (pieceBytes ?? 1)).toBe(0);
  }
});
