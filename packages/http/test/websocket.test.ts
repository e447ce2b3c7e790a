import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { RouteError } from "@podlink/types";
import { linkTo } from "./support/table-route.ts";
import type { World, WorldOptions } from "./support/world.ts";
import { eventually, deadPort, rawClient, world } from "./support/world.ts";

let there: World;
afterEach(() => there.close());

const SWITCH =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";

interface Opened {
  readonly podIndex: number;
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  /** What the pod heard. */
  heard: string;
}

/** Pods that let in, switch protocols and hand the socket to the test; they end when the caller ends, unless told not to. */
async function sockets(options: WorldOptions = {}, goesOn = false): Promise<Opened[]> {
  there = await world(options);
  const opened: Opened[] = [];
  for (const { pod, guard, server } of there.pods) {
    server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      void guard.upgrade(req, socket, head).then((entry) => {
        if (entry === undefined) return;
        socket.write(SWITCH);
        entry.leave();
        const one: Opened = { podIndex: pod.podIndex, req, socket, heard: "" };
        opened.push(one);
        socket.on("data", (chunk: Buffer) => (one.heard += chunk.toString())).on("error", () => undefined);
        if (!goesOn) socket.on("end", () => socket.end());
      });
    });
  }
  return opened;
}

function shake(lines: string[] = [], uid = "alice"): ReturnType<typeof rawClient> {
  const client = rawClient(there.port);
  const own = ["Host: app.example", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: k", ...lines];
  client.socket.write(`GET /u/${uid}/live?x=1 HTTP/1.1\r\n${own.map((line) => `${line}\r\n`).join("")}\r\n`);
  return client;
}

describe("a WebSocket through the proxy", () => {
  test("reaches the linked pod, and bytes pass both ways, those sent at once too", async () => {
    const opened = await sockets();
    const client = shake();
    client.socket.write("early");
    expect(await client.until("\r\n\r\n")).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
    expect(client.text().toLowerCase()).toContain("sec-websocket-accept: x\r\n");
    expect(client.text()).toContain("podlink-pod: 0\r\n");
    await eventually(() => opened.length).toBe(1);
    expect(opened[0]?.req.headers).toMatchObject({
      "podlink-uid": "alice",
      "sec-websocket-key": "k",
      "podlink-route": "pod=test/room/0.1; hops=1; token=100",
    });
    expect(opened[0]?.req.url).toBe("/u/alice/live?x=1");
    client.socket.write(" late");
    await eventually(() => opened[0]?.heard).toBe("early late");
    opened[0]?.socket.write("from the pod");
    await client.until("from the pod");
    expect(there.pods[0]?.pod.running).toBe(0);
    expect(there.proxy.read()).toMatchObject({ upgrades: 1, upgraded: 1 });
    client.socket.destroy();
    await eventually(() => there.proxy.read()["upgraded"]).toBe(0);
  });

  test("is sent once more when the first pod answers 421", async () => {
    const opened = await sockets();
    there.pods[0]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 1, "150") });
    const client = shake();
    await client.until("101 Switching");
    await eventually(() => opened[0]?.podIndex).toBe(1);
    expect(there.proxy.read()).toMatchObject({ repeats: 1, upgrades: 1 });
    client.socket.destroy();
  });

  test("is 503 when both pods refuse", async () => {
    await sockets();
    there.pods[0]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 1, "150") });
    there.pods[1]?.pod.refuse("alice", { reason: "not-me" });
    const text = await shake().closed();
    expect(text).toMatch(/^HTTP\/1.1 503 /);
    expect(text).toContain("retry-after: 1");
    expect(there.proxy.read()).toMatchObject({ refusedForGood: 1, upgraded: 0 });
  });

  test("gets the pod's own answer when the pod doesn't switch", async () => {
    await sockets();
    there.pods[0]?.pod.refuse("alice", { reason: "unavailable", retryAfterMs: 4000 });
    const text = await shake().closed();
    expect(text).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 4\r\n[^]*"code":"POD_UNAVAILABLE"/);
    expect(text).not.toContain("podlink-refused");
  });

  test("one side's end is passed on, and the other may go on speaking", async () => {
    const opened = await sockets({}, true);
    const client = shake();
    await client.until("101 Switching");
    await eventually(() => opened.length).toBe(1);
    const pod = opened[0]?.socket as Socket;
    const ended = new Promise((resolve) => pod.once("end", resolve));
    client.socket.end("last words");
    await ended;
    pod.end("last answer");
    expect(await client.closed()).toContain("last answer");
    await eventually(() => there.proxy.read()["upgraded"]).toBe(0);
  });

  test("a pod that ends first still hears the caller", async () => {
    const opened = await sockets({}, true);
    const client = shake();
    await client.until("101 Switching");
    await eventually(() => opened.length).toBe(1);
    opened[0]?.socket.end("bye");
    await client.closed();
    client.socket.end("still here");
    await eventually(() => opened[0]?.heard).toBe("still here");
  });

  test.each(["caller", "pod"])("that breaks at the %s ends at the other side", async (side) => {
    const opened = await sockets();
    const client = shake();
    await client.until("101 Switching");
    await eventually(() => opened.length).toBe(1);
    const pod = opened[0]?.socket as Socket;
    pod.write("no frames");
    await client.until("no frames");
    client.socket.once("end", () => client.socket.end());
    const other = side === "caller" ? pod : client.socket;
    const closed = new Promise((resolve) => other.once("close", resolve));
    (side === "caller" ? client.socket : pod).resetAndDestroy();
    await closed;
    await eventually(() => there.proxy.read()["upgraded"]).toBe(0);
  });

  test("that is silent for upgradeIdleMs is closed", async () => {
    await sockets({ proxy: { upgradeIdleMs: 50 } });
    const client = shake();
    await client.until("101 Switching");
    await client.closed();
    await eventually(() => there.proxy.read()["upgraded"]).toBe(0);
  });

  test("is closed with the proxy", async () => {
    const opened = await sockets();
    const client = shake();
    await client.until("101 Switching");
    await eventually(() => opened.length).toBe(1);
    await there.proxy.close({ deadlineMs: 0 });
    await client.closed();
    await eventually(() => opened[0]?.socket.destroyed).toBe(true);
    expect(await shake().closed()).toMatch(/^HTTP\/1.1 503 [^]*CLOSED/);
  });
});

describe("a handshake that is refused", () => {
  test.each([
    ["another protocol", "GET", "Upgrade: h2c", 400, "INVALID_ARGUMENT"],
    ["another method", "POST", "Upgrade: websocket", 400, "INVALID_ARGUMENT"],
  ])("%s", async (_what, method, upgrade, status, code) => {
    await sockets();
    const client = rawClient(there.port);
    client.socket.write(`${method} /u/alice/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n${upgrade}\r\n\r\n`);
    expect(await client.closed()).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*${code}`));
    expect(there.pods[0]?.pod.entered).toEqual([]);
  });

  test.each([
    ["same", "https://app.example", 101],
    ["same", "http://APP.example", 101],
    ["same", undefined, 101],
    ["same", "https://evil.example", 403],
    ["same", "null", 403],
    ["any", "https://evil.example", 101],
    [["https://a.example"], "https://a.example", 101],
    [["https://a.example"], "https://app.example", 403],
    [[], "https://app.example", 403],
  ] as const)("origins %j, Origin %s: %i", async (origins, origin, status) => {
    await sockets({ proxy: { origins } });
    const client = shake(origin === undefined ? [] : [`Origin: ${origin}`]);
    expect(await client.until("\r\n\r\n")).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    client.socket.destroy();
  });

  test("beyond maxUpgrades", async () => {
    await sockets({ proxy: { maxUpgrades: 1 } });
    const first = shake();
    await first.until("101 Switching");
    expect(await shake().closed()).toMatch(/^HTTP\/1.1 503 /);
    first.socket.destroy();
  });

  test.each([
    ["/elsewhere", 400, []],
    ["/u/%00/live", 400, []],
    ["/u/alice/live", 508, ["podlink-route: pod=test/room/0.1; hops=5; token=100"]],
  ])("%s: %i", async (path, status, lines) => {
    await sockets();
    const client = rawClient(there.port);
    const own = ["Host: x", "Connection: Upgrade", "Upgrade: websocket", ...lines].map((line) => `${line}\r\n`);
    client.socket.write(`GET ${path} HTTP/1.1\r\n${own.join("")}\r\n`);
    expect(await client.closed()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test("because the pod can't be reached, isn't known, or says nothing", async () => {
    await sockets({ proxy: { responseTimeoutMs: 50 } });
    there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await deadPort() });
    expect(await shake().closed()).toMatch(/^HTTP\/1.1 503 [^]*"outcome":"not-applied"/);
    for (const host of ["169.254.169.254", "2852039166", "a:b"]) {
      there.route.addresses.set(0, { host, httpPort: 80 });
      expect(await shake().closed()).toMatch(/^HTTP\/1.1 503 [^]*POD_UNAVAILABLE/);
    }
    there.route.failure = new RouteError("SERVICE_NOT_FOUND", "none");
    expect(await shake().closed()).toMatch(/^HTTP\/1.1 404 [^]*SERVICE_NOT_FOUND/);
    there.route.failure = undefined;
    there.pods[1]?.server.removeAllListeners("upgrade").on("upgrade", () => undefined);
    there.route.believed.set("carol", linkTo("carol", 1));
    expect(await shake([], "carol").closed()).toMatch(/^HTTP\/1.1 504 /);
  });

  test("by a pod's guard for a request without a uid, or when the pod throws", async () => {
    await sockets();
    const [first] = there.pods;
    if (first === undefined) throw new Error("no pod");
    const client = rawClient(first.port);
    client.socket.write("GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    expect(await client.closed()).toMatch(/^HTTP\/1.1 400 /);
    first.pod.enter = () => Promise.reject(new RouteError("CLOSED", "closed"));
    expect(await shake().closed()).toMatch(/^HTTP\/1.1 503 [^]*CLOSED/);
  });

  test("a caller that goes away during the handshake leaves nothing behind", async () => {
    await sockets();
    const [first] = there.pods;
    let answer = (): void => undefined;
    if (first !== undefined) first.pod.claim = new Promise((resolve) => (answer = resolve));
    const client = shake();
    await eventually(() => first?.pod.entered.length).toBe(1);
    client.socket.resetAndDestroy();
    await eventually(() => there.proxy.read()["upgraded"]).toBe(0);
    answer();
    await eventually(() => first?.pod.running).toBe(0);
  });
});
