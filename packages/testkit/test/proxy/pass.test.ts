import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startFaultProxy } from "../../src/index.ts";
import { connectTo, echo, End, Listener, quiet, startLine, startPair } from "./ends.ts";

test("bytes pass both ways unchanged", async () => {
  const { proxy, client, server } = await startPair({ onConnection: echo });
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  client.send(sent);
  await client.received(sent.toString("latin1"));
  expect(server.bytes.equals(sent)).toBe(true);
  expect(proxy.counts).toMatchObject({
    connections: { accepted: 1, refused: 0, open: 1 },
    received: { toServer: 300_000, toClient: 300_000 },
    delivered: { toServer: 300_000, toClient: 300_000 },
    discarded: { toServer: 0, toClient: 0 },
    held: { toServer: 0, toClient: 0 },
  });
});

test("a FIN ends one direction, and the other goes on", async () => {
  const { proxy, client, server } = await startPair();
  client.socket.end("ask");
  await server.ended("fin");
  server.socket.end("answer");
  await client.ended("fin");
  expect(client.text).toBe("answer");
  await proxy.whenRecorded(({ what }) => what === "closed");
  expect(proxy.record).toMatchObject([
    { what: "opened" },
    { what: "fin", direction: "toServer" },
    { what: "fin", direction: "toClient" },
    { what: "closed" },
  ]);
  expect(proxy.connections).toEqual([]);
});

test("a RST is passed on, whoever sends it", async () => {
  const { proxy, client, server, listener } = await startPair();
  client.socket.resetAndDestroy();
  await server.ended("rst");
  const second = await connectTo(proxy.port);
  (await listener.end(1)).socket.resetAndDestroy();
  await second.ended("rst");
  expect(proxy.record.filter(({ what }) => what === "rst")).toMatchObject([
    { connection: 1, direction: "toServer" },
    { connection: 2, direction: "toClient" },
  ]);
});

test("a server that can't be reached is a reset, and on record", async () => {
  const { proxy, listener, connect } = await startLine();
  await listener.close();
  const client = await connect();
  await client.ended("rst");
  await proxy.whenRecorded(({ what }) => what === "closed");
  expect(proxy.record.map(({ what }) => what)).toEqual(["opened", "unreachable", "rst", "closed"]);
});

test("a client that resets before the server was reached harms nobody", async () => {
  const { proxy, connect } = await startLine();
  for (let count = 0; count < 20; count += 1) (await connect()).socket.resetAndDestroy();
  await proxy.whenRecorded(({ what, connection }) => what === "closed" && connection === 20);
  await quiet();
  expect(proxy.counts.connections).toEqual({ accepted: 20, refused: 0, open: 0 });
});

test("the server may listen on a unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "podlink-proxy-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "server.sock");
  const server = createServer((socket) => echo(new End(socket)));
  server.listen(path);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  await using proxy = await startFaultProxy({ target: { path } });
  const client = await connectTo(proxy.port);
  client.send("over there");
  await client.received("over there");
  proxy.reset();
  await client.ended("rst");
});

test("each kind of address is one that a client can use", async () => {
  const listener = await Listener.start(echo);
  await using proxy = await startFaultProxy({ target: { host: "127.0.0.1", port: listener.port } });
  expect(proxy.url("redis")).toBe(`redis://127.0.0.1:${proxy.port}`);
  await using ipv6 = await startFaultProxy({ target: { host: "127.0.0.1", port: listener.port }, host: "::1" });
  expect(ipv6.url("http")).toBe(`http://[::1]:${ipv6.port}`);
});
