import { expect, test } from "vitest";
import { startRedis } from "../../src/redis.ts";
import { fakeClock, startFaultProxy } from "../../src/index.ts";
import { connectTo, echo, quiet, startPair } from "./ends.ts";

test("a lost reply: the server did it, the client hears nothing but a reset", async () => {
  const { proxy, client, server } = await startPair({ onConnection: echo });
  const rule = proxy.add({ fault: "loseReply" });
  client.send("do it");
  await client.ended("rst");
  expect(client.text).toBe("");
  expect(server.text).toBe("do it");
  await server.ended("rst");
  expect(rule.fired).toBe(1);
  expect(proxy.counts.discarded).toEqual({ toServer: 0, toClient: 5 });
});

test("a lost request: the server sees nothing of it, both ends a reset", async () => {
  const { proxy, client, server } = await startPair({ onConnection: echo });
  proxy.add({ fault: "loseRequest" });
  client.send("do it");
  await client.ended("rst");
  await server.ended("rst");
  expect(server.text).toBe("");
  expect(proxy.counts.discarded).toEqual({ toServer: 5, toClient: 0 });
});

test("nothing follows a lost reply, not even when the rule is over: the connection hangs with a gap that never closes", async () => {
  const { proxy, client, server } = await startPair({ onConnection: echo });
  client.send("1");
  await client.received("1");
  const rule = proxy.add({ fault: "loseReply", resetAfterMs: "never" });
  client.send("2");
  await rule.whenFired();
  rule.end();
  client.send("3");
  await server.received("123"); // requests still arrive, and are carried out
  server.socket.end("last");
  await quiet();
  expect(client.text).toBe("1");
  expect(client.ending).toBeUndefined();
});

test("nothing follows a lost request, no byte, no FIN, no RST; replies to what went before arrive", async () => {
  const { proxy, client, server } = await startPair();
  client.send("1");
  await server.received("1");
  const rule = proxy.add({ fault: "loseRequest", resetAfterMs: "never" });
  client.send("2");
  await rule.whenFired();
  rule.end();
  client.send("3");
  server.send("reply to 1");
  await client.received("reply to 1");
  client.socket.resetAndDestroy();
  await quiet();
  expect(server.text).toBe("1");
  expect(server.ending).toBeUndefined();
});

test("the reset comes so late as it is told to", async () => {
  const clock = fakeClock();
  const { proxy, client, server } = await startPair({ clock });
  const rule = proxy.add({ fault: "loseRequest", resetAfterMs: 500 });
  client.send("lost");
  await rule.whenFired();
  await clock.advance(499);
  server.send("late"); // a reply to something earlier still has its time
  await client.received("late");
  expect(client.ending).toBeUndefined();
  await clock.advance(1);
  await client.ended("rst");
  await server.ended("rst");
});

test("what was sent before a loss is delivered before the reset, late too", async () => {
  const clock = fakeClock();
  const { proxy, client, server } = await startPair({ clock });
  const slow = proxy.add({ fault: "delay", ms: 100, direction: "toClient" });
  server.send("first");
  await slow.whenFired();
  proxy.add({ fault: "loseReply" });
  server.send("second");
  await slow.whenFired({ times: 2 });
  await quiet();
  expect(client.ending).toBeUndefined();
  await clock.advance(100);
  await client.ended("rst");
  expect(client.text).toBe("first");
});

test("a write to Redis whose reply is lost was made, once; one whose request is lost was not", async () => {
  await using redis = await startRedis();
  await using proxy = await startFaultProxy({ target: redis });
  const line = "INCR k\r\n";
  proxy.add({ fault: "loseReply", times: 1 });
  const first = await connectTo(proxy.port);
  first.send(line);
  await first.ended("rst");
  expect(await redis.cli("GET", "k")).toBe("1");
  proxy.add({ fault: "loseRequest", times: 1, bytes: (chunk) => chunk.includes("INCR") });
  const second = await connectTo(proxy.port);
  second.send("PING\r\n");
  await second.received("+PONG\r\n");
  second.send(line);
  await second.ended("rst");
  expect(await redis.cli("GET", "k")).toBe("1");
  const third = await connectTo(proxy.port);
  third.send(line);
  await third.received(":2\r\n");
});
