import { expect, test } from "vitest";
import { connectTo, echo, quiet, startConnecting, startLine, startPair } from "./ends.ts";

test("a reset in place of a chunk: both ends get a RST, the chunk is lost", async () => {
  const { proxy, client, server } = await startPair();
  proxy.add({ fault: "reset", direction: "toServer", bytes: (chunk) => chunk.includes("boom") });
  client.send("fine");
  await server.received("fine");
  client.send("boom");
  await client.ended("rst");
  await server.ended("rst");
  expect(server.text).toBe("fine");
});

test("open connections are reset now, those that are chosen", async () => {
  const { proxy, client, server } = await startPair();
  const other = await connectTo(proxy.port);
  await proxy.whenRecorded(({ connection }) => connection === 2);
  proxy.reset({ connections: ({ id }) => id === 1 });
  await client.ended("rst");
  await server.ended("rst");
  proxy.reset({ connections: ({ clientPort }) => clientPort === other.socket.localPort });
  await other.ended("rst");
});

test("a half close: a FIN behind the chunk, nothing follows, the other direction goes on", async () => {
  const { proxy, client, server } = await startPair();
  const rule = proxy.add({ fault: "halfClose", direction: "toServer" });
  client.send("last");
  await server.ended("fin");
  rule.end();
  client.send("dropped");
  server.send("still heard");
  await client.received("still heard");
  expect([server.text, client.ending]).toEqual(["last", undefined]);
  server.socket.end();
  await client.ended("fin");
});

test("a half close now, of the direction that is said", async () => {
  const { proxy, client, server } = await startPair();
  proxy.halfClose({ direction: "toClient" });
  await client.ended("fin");
  client.send("still heard");
  await server.received("still heard");
  server.send("dropped");
  await quiet();
  expect([client.text, server.ending]).toEqual(["", undefined]);
});

test("cut by a FIN: exactly so many bytes arrive, counted from the rule's start", async () => {
  const { proxy, client, server } = await startPair();
  client.send("before");
  await server.received("before");
  proxy.add({ fault: "cut", afterBytes: 10, by: "fin", direction: "toServer" });
  client.send("1234");
  await server.received("before1234");
  client.send("567890 too much");
  await server.ended("fin");
  expect(server.text).toBe("before1234567890");
  await client.ended("fin");
});

test("cut by a RST: both ends get one after so many bytes, in the direction that gets there first", async () => {
  const { proxy, client, server } = await startPair({ onConnection: echo });
  proxy.add({ fault: "cut", afterBytes: 6 });
  client.send("1234");
  await client.received("1234");
  client.send("5678");
  await client.ended("rst");
  await server.ended("rst");
  expect([server.text, client.text]).toEqual(["123456", "1234"]);
});

test("new connections are refused by a RST, so many as are said; open ones go on", async () => {
  const { proxy, listener, client, server } = await startPair({ onConnection: echo });
  const rule = proxy.add({ fault: "refuse", times: 2 });
  for (let count = 0; count < 2; count += 1) await startConnecting(proxy.port).ended("rst");
  expect(listener.ends).toHaveLength(1);
  client.send("on");
  await server.received("on");
  const third = await connectTo(proxy.port);
  third.send("welcome");
  await third.received("welcome");
  expect(rule.fired).toBe(2);
  expect(proxy.counts.connections).toEqual({ accepted: 2, refused: 2, open: 2 });
});

test("a line that refuses all refuses until it is healed", async () => {
  const { proxy, connect } = await startLine({ onConnection: echo });
  proxy.add({ fault: "refuse" });
  await startConnecting(proxy.port).ended("rst");
  proxy.heal();
  const client = await connect();
  client.send("back");
  await client.received("back");
});
