import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Fault, ProxyEvent } from "../../src/index.ts";
import { expectNothingLeftOpen, fakeClock, startFaultProxies, startFaultProxy } from "../../src/index.ts";
import { connectTo, echo, Listener, quiet, startConnecting, startLine, startPair } from "./ends.ts";

test("the record says what happened, when, to which connection, by which rule", async () => {
  const clock = fakeClock();
  const { proxy, client, server } = await startPair({ clock });
  await clock.advance(1000);
  const slow = proxy.add({ fault: "delay", ms: 50, direction: "toServer", name: "slow" });
  client.send("12345");
  await slow.whenFired();
  await clock.advance(50);
  await server.received("12345");
  proxy.add({ fault: "loseReply", resetAfterMs: 10 });
  server.send("123");
  await proxy.whenRecorded(({ what }) => what === "loseReply");
  await clock.advance(10);
  await proxy.whenRecorded(({ what }) => what === "closed");
  expect(proxy.record).toEqual([
    { atMs: 0, connection: 1, what: "opened" },
    { atMs: 1000, connection: 1, what: "delay", direction: "toServer", bytes: 5, delayMs: 50, rule: "slow" },
    { atMs: 1050, connection: 1, what: "loseReply", direction: "toClient", bytes: 3, rule: "loseReply-2" },
    { atMs: 1060, connection: 1, what: "rst", rule: "loseReply-2" },
    { atMs: 1060, connection: 1, what: "closed" },
  ]);
  expect(proxy.counts.faults).toMatchObject({ delay: 1, loseReply: 1, reset: 0 });
});

test("the record keeps the latest events, the counts all", async () => {
  const { proxy, client } = await startPair({ onConnection: echo, recordLimit: 5 });
  proxy.add({ fault: "pass" });
  for (let count = 1; count <= 20; count += 1) {
    client.send("x");
    await client.received("x".repeat(count));
  }
  expect(proxy.record).toHaveLength(5);
  expect(proxy.record.at(-1)).toMatchObject({ what: "pass", direction: "toClient" });
  expect(proxy.counts.faults.pass).toBe(40);
  const last = proxy.record.at(-1) as ProxyEvent;
  expect(await proxy.whenRecorded((event) => event === last)).toBe(last);
});

test("an event can be waited for, before or after it happened", async () => {
  const { proxy, client } = await startPair();
  const rule = proxy.add({ fault: "pass" });
  const fired = rule.whenFired();
  const recorded = proxy.whenRecorded(({ what }) => what === "pass");
  client.send("x");
  await fired;
  expect(await recorded).toMatchObject({ connection: 1, direction: "toServer", bytes: 1 });
  await rule.whenFired();
  expect(await proxy.whenRecorded(({ what }) => what === "opened")).toMatchObject({ connection: 1 });
});

test("waiting ends: in time, with the rule, with the proxy, with what the test throws", async () => {
  const clock = fakeClock();
  const { proxy } = await startPair({ clock });
  const rule = proxy.add({ fault: "pass" });
  const late = rule.whenFired({ withinMs: 100 });
  await clock.advance(100);
  await expect(late).rejects.toThrow("Not within 100 ms: pass-1 fires 1 times");
  const ended = rule.whenFired({ times: 3 });
  rule.end();
  await expect(ended).rejects.toThrow("pass-1 ended before it had fired 3 times");
  const throwing = proxy.whenRecorded(() => {
    throw new Error("a mistake");
  });
  await expect(throwing).rejects.toThrow("a mistake");
  const never = proxy.whenRecorded(({ what }) => what === "cut");
  await proxy.end();
  await expect(never).rejects.toThrow("the proxy ended before this happened");
  await expect(proxy.whenRecorded(({ what }) => what === "cut")).rejects.toThrow("the proxy ended");
  expect(clock.pendingTimers).toBe(0);
});

const states: Readonly<Record<string, Fault>> = {
  "all passes": { fault: "pass" },
  "bytes are delayed": { fault: "delay", ms: 3_600_000 },
  "bytes are throttled": { fault: "throttle", bytesPerSecond: 1 },
  "the line is dark": { fault: "blackhole" },
  "a reply was lost": { fault: "loseReply", resetAfterMs: "never" },
  "a reset is to come": { fault: "loseRequest", resetAfterMs: 3_600_000 },
  "one direction is closed": { fault: "halfClose", direction: "toServer" },
  "connections are refused": { fault: "refuse" },
};

test.each(Object.entries(states))("nothing is left open at the end: %s", async (_, fault) => {
  const listener = await Listener.start(echo);
  await expectNothingLeftOpen(async () => {
    const proxy = await startFaultProxy({ target: { host: "127.0.0.1", port: listener.port } });
    const open = await connectTo(proxy.port);
    const rule = proxy.add(fault);
    open.send("x".repeat(100));
    const another = startConnecting(proxy.port);
    await rule.whenFired();
    const both = [open.ended("rst"), another.ended("rst")];
    await Promise.all([proxy.end(), proxy.end()]);
    await Promise.all(both);
    expect(proxy.counts.connections.open).toBe(0);
    expect(proxy.counts.held).toEqual({ toServer: 0, toClient: 0 });
    await listener.close();
  });
});

test("a proxy before each of several servers tells where each is reached", async () => {
  const servers = await Promise.all(
    ["first", "second"].map((name) => Listener.start((end) => void end.socket.on("data", () => end.send(name)))),
  );
  const addresses = servers.map(({ port }) => ({ host: "127.0.0.1", port }));
  await using proxies = await startFaultProxies(addresses, { seed: 1 });
  expect(proxies.natMap).toEqual({
    [`127.0.0.1:${servers[0]?.port}`]: proxies.addresses[0],
    [`127.0.0.1:${servers[1]?.port}`]: proxies.addresses[1],
  });
  const second = proxies.of(addresses[1] as { host: string; port: number });
  expect(second).toBe(proxies.all[1]);
  second.add({ fault: "refuse" });
  await startConnecting(second.port).ended("rst");
  proxies.heal();
  const end = await connectTo(second.port);
  end.send("who?");
  await end.received("second");
  expect(() => proxies.of({ host: "127.0.0.1", port: 1 })).toThrow("no fault proxy is before 127.0.0.1:1");
});

test("when one of several can't be, none is left", async () => {
  await expectNothingLeftOpen(async () => {
    const bad = [
      { host: "127.0.0.1", port: 1 },
      { host: "127.0.0.1", port: 0 },
    ];
    await expect(startFaultProxies(bad)).rejects.toThrow("faultProxy.target.port");
  });
});

/** What befell each connection, without when. */
async function befallen(seed: number, turns: readonly number[]): Promise<Record<number, unknown[]>> {
  const { proxy } = await startLine({ onConnection: echo, seed });
  proxy.add({ fault: "delay", ms: 0.5, jitterMs: 0.5, share: 0.5 });
  proxy.add({ fault: "fragment", shareOfConnections: 0.5, share: 0.3, direction: "toClient" });
  proxy.add({ fault: "loseReply", share: 0.1 });
  proxy.add({ fault: "reset", share: 0.02, direction: "toServer" });
  const clients = [await connectTo(proxy.port), await connectTo(proxy.port), await connectTo(proxy.port)];
  for (const turn of turns) {
    const client = clients[turn];
    if (client === undefined || client.ending !== undefined) continue;
    const expected = client.bytes.length + 4;
    client.send("ping");
    while (client.bytes.length < expected && client.ending === undefined)
      await new Promise((resolve) => setImmediate(resolve));
  }
  const events = proxy.record.filter(({ rule, what }) => rule !== undefined && what !== "rst");
  await proxy.end();
  return Object.fromEntries(
    clients.map((_, index) => [
      index,
      events.filter(({ connection }) => connection === index + 1).map(({ atMs: _at, ...event }) => event),
    ]),
  );
}

test("the same seed and traffic: the same decisions on each connection, however connections take turns", async () => {
  const turns = fc.shuffledSubarray(
    Array.from({ length: 36 }, (_, index) => index % 3),
    { minLength: 36 },
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(), turns, turns, async (seed, some, others) => {
      expect(await befallen(seed, some)).toEqual(await befallen(seed, others));
    }),
    { numRuns: 15 },
  );
});

test("another seed: other decisions", async () => {
  const turns = Array.from({ length: 36 }, (_, index) => index % 3);
  expect(await befallen(1, turns)).not.toEqual(await befallen(2, turns));
});

test("bytes are never lost count of: received = delivered + discarded + held, whatever goes wrong", async () => {
  const fault: fc.Arbitrary<Fault> = fc.constantFrom<Fault>(
    { fault: "loseReply", share: 0.1 },
    { fault: "loseRequest", share: 0.1, resetAfterMs: 1 },
    { fault: "reset", share: 0.1 },
    { fault: "halfClose", share: 0.1 },
    { fault: "cut", afterBytes: 5000 },
    { fault: "cut", afterBytes: 5000, by: "fin" },
    { fault: "blackhole", share: 0.05, afterEnd: "dead" },
    { fault: "fragment", pieceBytes: 700 },
    { fault: "delay", ms: 1, jitterMs: 1 },
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(fault, { minLength: 1, maxLength: 3 }), async (seed, faults) => {
      const { proxy, listener } = await startLine({ onConnection: echo, seed });
      const rules = faults.map((one) => proxy.add(one));
      const clients = await Promise.all([connectTo(proxy.port), connectTo(proxy.port)]);
      for (const client of clients) for (let count = 0; count < 10; count += 1) client.send("x".repeat(1500));
      rules[0]?.end();
      for (const client of clients) client.socket.end("last");
      await quiet();
      for (const [index, { bytes }] of clients.entries()) {
        const sent = `${"x".repeat(15_000)}last`;
        expect(sent.startsWith(bytes.toString())).toBe(true); // echoed from the start, without a gap
        expect(sent.startsWith(listener.ends[index]?.text ?? "")).toBe(true);
      }
      await proxy.end();
      const { received, delivered, discarded, held } = proxy.counts;
      expect(held).toEqual({ toServer: 0, toClient: 0 });
      for (const way of ["toServer", "toClient"] as const) expect(received[way]).toBe(delivered[way] + discarded[way]);
    }),
    { numRuns: 30 },
  );
});
