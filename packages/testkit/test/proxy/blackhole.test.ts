import { expect, test } from "vitest";
import { connectTo, echo, quiet, startLine, startPair } from "./ends.ts";

test("nothing passes, in neither direction, and no end either", async () => {
  const { proxy, client, server, listener } = await startPair();
  const rule = proxy.add({ fault: "blackhole" });
  expect(rule.fired).toBe(1); // the open connection, at once
  client.send("up");
  server.send("down");
  await quiet();
  expect([client.text, server.text]).toEqual(["", ""]);
  client.socket.destroy();
  await quiet();
  expect(server.ending).toBeUndefined();
  expect(listener.ends).toHaveLength(1);
});

test("not even a RST passes, whoever sends it", async () => {
  for (const side of ["client", "server"] as const) {
    const { proxy, ...ends } = await startPair();
    proxy.add({ fault: "blackhole" });
    ends[side].socket.resetAndDestroy();
    await quiet();
    expect(ends[side === "client" ? "server" : "client"].ending).toBeUndefined();
    expect(proxy.record.map(({ what }) => what)).toEqual(["opened", "blackhole"]);
  }
});

test("when it ends, what TCP held back arrives, ends too, in order", async () => {
  const { proxy, client, server } = await startPair();
  const rule = proxy.add({ fault: "blackhole" });
  client.send("held ");
  client.socket.end("back");
  server.send("this too");
  await quiet();
  rule.end();
  await server.received("held back");
  await server.ended("fin");
  await client.received("this too");
  expect(proxy.record.find(({ what }) => what === "resumed")).toMatchObject({ connection: 1, rule: "blackhole-1" });
});

test("a RST that was held back arrives when it ends", async () => {
  const { proxy, client, server } = await startPair();
  proxy.add({ fault: "blackhole" });
  client.socket.resetAndDestroy();
  await quiet();
  proxy.heal();
  await server.ended("rst");
});

test("what it made dead stays dead; later connections work", async () => {
  const { proxy, client, server, listener } = await startPair();
  const rule = proxy.add({ fault: "blackhole", afterEnd: "dead" });
  client.send("held");
  await quiet();
  rule.end();
  client.send("more");
  server.socket.end("this too");
  await quiet();
  expect([client.text, server.text, client.ending, server.ending]).toEqual(["", "", undefined, undefined]);
  const second = await connectTo(proxy.port);
  second.send("alive");
  await (await listener.end(1)).received("alive");
});

test("one direction alone: requests are carried out, replies don't come", async () => {
  const { proxy, client, server } = await startPair({ onConnection: echo });
  const rule = proxy.add({ fault: "blackhole", direction: "toClient" });
  client.send("do it");
  await server.received("do it");
  server.socket.end();
  await quiet();
  expect([client.text, client.ending]).toEqual(["", undefined]);
  rule.end();
  await client.received("do it");
  await client.ended("fin");
});

test("a new connection is accepted, stays silent, and doesn't reach the server before it ends", async () => {
  const { proxy, listener, connect } = await startLine({ onConnection: echo });
  for (const direction of ["toServer", "toClient"] as const) {
    const before = listener.ends.length;
    const rule = proxy.add({ fault: "blackhole", direction });
    const client = await connect();
    client.send("hello");
    await quiet();
    expect(listener.ends).toHaveLength(before);
    expect([client.text, client.ending]).toEqual(["", undefined]);
    rule.end();
    await client.received("hello");
  }
});

test("a client that gave up before the server was reached never reaches it", async () => {
  const { proxy, listener, connect } = await startLine();
  proxy.add({ fault: "blackhole" });
  const client = await connect();
  client.send("hello");
  client.socket.destroy();
  await proxy.whenRecorded(({ what }) => what === "closed");
  proxy.heal();
  await quiet();
  expect(listener.ends).toEqual([]);
});

test("it can begin with a chunk, and takes its whole connection, alone", async () => {
  const { proxy, client, server, listener } = await startPair();
  const rule = proxy.add({ fault: "blackhole", times: 1, bytes: (chunk) => chunk.includes("now") });
  client.send("before ");
  await server.received("before ");
  client.send("now");
  await rule.whenFired();
  server.send("reply");
  await quiet();
  expect([client.text, server.text]).toEqual(["", "before "]);
  const other = await connectTo(proxy.port);
  other.send("now too");
  await (await listener.end(1)).received("now too");
  rule.end();
  await server.received("before now");
  await client.received("reply");
});

test("of two that overlap, the connection is dark until both have ended", async () => {
  const { proxy, client, server } = await startPair();
  const first = proxy.add({ fault: "blackhole" });
  const second = proxy.add({ fault: "blackhole", direction: "toServer" });
  client.send("held");
  first.end();
  await quiet();
  expect(server.text).toBe("");
  second.end();
  await server.received("held");
});

test("a connection is chosen by its first bytes as soon as they are known", async () => {
  const { proxy, listener, connect } = await startLine();
  proxy.add({ fault: "blackhole", connections: ({ firstBytes }) => firstBytes?.includes("SUBSCRIBE") === true });
  const subscriber = await connect();
  const other = await connect();
  subscriber.send("SUBSCRIBE news");
  other.send("GET k");
  await (await listener.end(1)).received("GET k");
  await quiet();
  expect((await listener.end(0)).text).toBe("");
});
