import { expect, test } from "vitest";
import type { Fault } from "../../src/index.ts";
import { startFaultProxy } from "../../src/index.ts";
import { connectTo, echo, startLine, startPair } from "./ends.ts";

test("rules are asked in the order in which they were added; pass exempts from those behind it", async () => {
  const { proxy, client } = await startPair({ onConnection: echo });
  const exempt = proxy.add({ fault: "pass", bytes: (chunk) => chunk.includes("vip") });
  const rule = proxy.add({ fault: "reset" });
  client.send("vip");
  await client.received("vip");
  expect([exempt.fired, rule.fired]).toEqual([2, 0]); // to the server and back
  client.send("anybody");
  await client.ended("rst");
});

test("the next n chunks, and no more", async () => {
  const { proxy, client } = await startPair({ onConnection: echo });
  const rule = proxy.add({ fault: "pass", times: 2, direction: "toClient" });
  const behind = proxy.add({ fault: "pass", direction: "toClient" });
  for (const text of ["1", "12", "123"]) {
    client.send(text.slice(-1));
    await client.received(text);
  }
  expect([rule.fired, behind.fired]).toEqual([2, 1]);
});

test("a share of the chunks, near what is asked for", async () => {
  const { proxy, client } = await startPair({ onConnection: echo, seed: 1 });
  const rule = proxy.add({ fault: "pass", share: 0.25, direction: "toServer" });
  for (let count = 1; count <= 400; count += 1) {
    client.send("x");
    await client.received("x".repeat(count));
  }
  expect(rule.fired).toBeGreaterThan(70);
  expect(rule.fired).toBeLessThan(130);
});

test("a share of the connections: each is chosen once, for all of its chunks", async () => {
  const { proxy } = await startLine({ onConnection: echo, seed: 1 });
  proxy.add({ fault: "pass", shareOfConnections: 0.5 });
  for (let count = 0; count < 30; count += 1) {
    const client = await connectTo(proxy.port);
    for (const text of ["1", "12", "123"]) {
      client.send(text.slice(-1));
      await client.received(text);
    }
  }
  const chunks = Array.from(
    { length: 30 },
    (_, index) => proxy.record.filter(({ connection, what }) => connection === index + 1 && what === "pass").length,
  );
  expect(new Set(chunks)).toEqual(new Set([0, 6]));
  const chosen = chunks.filter((count) => count > 0).length;
  expect(chosen).toBeGreaterThan(5);
  expect(chosen).toBeLessThan(25);
});

test("connections by number, by the client's port, by their first bytes", async () => {
  const { proxy, client, server } = await startPair();
  const byNumber = proxy.add({ fault: "pass", connections: ({ id }) => id === 1 });
  const byPort = proxy.add({ fault: "pass", connections: ({ clientPort }) => clientPort === client.socket.localPort });
  const byBytes = proxy.add({ fault: "pass", connections: ({ firstBytes }) => firstBytes?.toString() === "HELLO" });
  byNumber.end();
  byPort.end();
  client.send("HELLO");
  await server.received("HELLO");
  client.send(" again");
  await server.received("HELLO again");
  expect([byNumber.fired, byPort.fired, byBytes.fired]).toEqual([0, 0, 2]);
  expect(proxy.connections).toMatchObject([{ id: 1, clientPort: client.socket.localPort }]);
  expect(proxy.connections[0]?.openedAtMs).toBeGreaterThan(0);
});

test("a rule that ended befalls nothing; the others go on", async () => {
  const { proxy, client } = await startPair({ onConnection: echo });
  const [ended, other] = [proxy.add({ fault: "reset" }), proxy.add({ fault: "fragment" })];
  ended.end();
  ended.end();
  client.send("ab");
  await client.received("ab");
  expect(proxy.rules.map(({ name }) => name)).toEqual(["fragment-2"]);
  expect([ended.fired, other.fired]).toEqual([0, 2]);
});

test("what a predicate throws is thrown at the end, and befalls nothing before", async () => {
  const { listener, connect } = await startLine({ onConnection: echo });
  const proxy = await startFaultProxy({ target: { host: "127.0.0.1", port: listener.port } });
  proxy.add({
    fault: "reset",
    bytes: () => {
      throw new Error("a mistake in the test");
    },
  });
  const client = await connectTo(proxy.port);
  client.send("x");
  await client.received("x");
  await expect(proxy.end()).rejects.toThrow("a mistake in the test");
  await connect();
});

const refused: readonly (readonly [object, string])[] = [
  [{ fault: "explode" }, 'faultProxy.fault: must be "pass" or "delay"'],
  [{}, "faultProxy.fault"],
  [{ fault: "delay" }, "faultProxy.delay.ms: must be a number of milliseconds, at least 0 (got undefined)"],
  [{ fault: "delay", ms: -1 }, "faultProxy.delay.ms: must be a number of milliseconds, at least 0 (got -1)"],
  [{ fault: "delay", ms: 1, seconds: 1 }, "faultProxy.delay.seconds: is not an option (got 1)"],
  [
    { fault: "throttle", bytesPerSecond: 0.5 },
    "faultProxy.throttle.bytesPerSecond: must be a whole number, at least 1",
  ],
  [{ fault: "pass", share: 1.5 }, "faultProxy.pass.share: must be a number from 0 to 1 (got 1.5)"],
  [{ fault: "pass", times: 0 }, "faultProxy.pass.times: must be a whole number, at least 1 (got 0)"],
  [{ fault: "pass", bytes: "GET" }, 'faultProxy.pass.bytes: must be a function (got "GET")'],
  [{ fault: "pass", direction: "up" }, 'faultProxy.pass.direction: must be "toServer" or "toClient" (got "up")'],
  [{ fault: "loseReply", direction: "toServer" }, "faultProxy.loseReply.direction: is not an option"],
  [
    { fault: "loseReply", resetAfterMs: "soon" },
    'resetAfterMs: must be a number of milliseconds, at least 0, or "never"',
  ],
  [{ fault: "cut", afterBytes: 1, by: "axe" }, 'faultProxy.cut.by: must be "rst" or "fin" (got "axe")'],
  [{ fault: "refuse", bytes: () => true }, "faultProxy.refuse.bytes: is not an option"],
];

test.each(refused)("a fault that can't be is refused: %j", async (fault, message) => {
  const { proxy } = await startLine();
  expect(() => proxy.add(fault as Fault)).toThrow(message);
  expect(() => proxy.add(fault as Fault)).toThrow(expect.objectContaining({ code: "CONFIG" }));
  expect(proxy.rules).toEqual([]);
});

test.each([
  [{}, "faultProxy.target: must be an object (got undefined)"],
  [{ target: {} }, "faultProxy.target.path: must be a text that isn't empty (got undefined)"],
  [{ target: { port: 1 } }, "faultProxy.target.host: must be a text that isn't empty (got undefined)"],
  [{ target: { host: "h", port: 0 } }, "faultProxy.target.port: must be a port, 1 to 65535 (got 0)"],
  [{ target: { path: "p" }, seed: -1 }, "faultProxy.seed: must be a whole number, at least 0 (got -1)"],
  [{ target: { path: "p" }, port: 7 }, "faultProxy.port: is not an option (got 7)"],
])("a proxy that can't be is refused: %j", async (options, message) => {
  await expect(startFaultProxy(options as never)).rejects.toThrow(message);
});

test("what is to happen now takes no other options", async () => {
  const { proxy } = await startLine();
  expect(() => proxy.reset({ share: 1 } as never)).toThrow("faultProxy.reset.share: is not an option");
  expect(() => proxy.halfClose({} as never)).toThrow(
    'faultProxy.halfClose.direction: must be "toServer" or "toClient"',
  );
});
