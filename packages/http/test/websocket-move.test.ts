import type { Socket } from "node:net";
import { fakeClock, recordingObserver } from "@podlink/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { linkTo } from "./support/table-route.ts";
import type { World, WorldOptions } from "./support/world.ts";
import { deadPort, eventually, rawClient, world } from "./support/world.ts";
import { frameOf } from "./support/ws-frames.ts";
import type { PodSocket } from "./support/ws-pods.ts";
import { acceptedAs, acceptSockets, openSocket } from "./support/ws-pods.ts";

let there: World;
afterEach(() => there.close());

const LONG_MS = 60_000;

async function sockets(options: WorldOptions = {}, ...more: unknown[]): Promise<PodSocket[]> {
  there = await world(options);
  return acceptSockets(there, more[0] as Parameters<typeof acceptSockets>[1]);
}

/** Alice's link is at pod 1 from now on, as the caller knows it. */
const moveAlice = (): void => void there.route.believed.set("alice", linkTo("alice", 1, "150"));

const breaks: readonly (readonly [string, (socket: PodSocket) => void])[] = [
  ["resets it", ({ raw }) => (raw as Socket).resetAndDestroy()],
  ["ends it", ({ raw }) => raw.end()],
  ["closes with 1012, as in a drain", ({ ws }) => ws.close(1012)],
  ["is gone without a word", () => there.route.podEnds.emit({ podIndex: 0, incarnation: 1 })],
];

describe("a WebSocket whose pod", () => {
  test.each(breaks)("%s: without a message so far it goes on at the pod that has the user", async (_how, breakIt) => {
    const observer = recordingObserver();
    const accepted = await sockets({ proxy: { observer } });
    const client = await openSocket(there, "alice", ["chat"]);
    const first = await acceptedAs(accepted, 1);
    const pong = new Promise((resolve) => client.ws.once("pong", resolve));
    client.ws.ping("a ping is no message");
    await pong;
    moveAlice();
    breakIt(first);
    const second = await acceptedAs(accepted, 2);
    expect(second.podIndex).toBe(1);
    expect(second.req.url).toBe(first.req.url);
    expect(second.req.headers["sec-websocket-key"]).toBe(first.req.headers["sec-websocket-key"]);
    client.ws.send("x".repeat(70_000));
    await eventually(() => second.heard[0]?.length).toBe(70_000);
    second.ws.send("from pod 1");
    await eventually(() => client.heard).toEqual(["from pod 1"]);
    expect(there.proxy.read()).toMatchObject({ upgrades: 1, upgraded: 1, socketsMoved: 1, socketsRestarted: 0 });
    expect(observer.eventsOf("socket-moved")).toMatchObject([{ podIndex: 0, to: "pod" }]);
    await eventually(() => first.closedWith).toBe(first.closedWith === 1012 ? 1012 : 1006);
  });

  test.each(breaks)(
    "%s: after a message in either direction it is closed with 1012, in order",
    async (how, breakIt) => {
      for (const speaker of ["client", "pod"] as const) {
        const observer = recordingObserver();
        const accepted = await sockets({ proxy: { observer } });
        const client = await openSocket(there);
        const first = await acceptedAs(accepted, 1);
        if (speaker === "client") {
          client.ws.send("hello");
          await eventually(() => first.heard).toEqual(["hello"]);
        } else {
          first.ws.send("hello");
          await eventually(() => client.heard).toEqual(["hello"]);
        }
        moveAlice();
        breakIt(first);
        const [code] = await client.closed;
        expect(code, speaker).toBe(1012);
        await eventually(() => there.proxy.read()["upgraded"]).toBe(0);
        // The pod's own close frame is passed on as it is.
        const byGateway = how.startsWith("closes") ? 0 : 1;
        expect(there.proxy.read()).toMatchObject({ socketsMoved: 0, socketsRestarted: byGateway });
        expect(observer.eventsOf("socket-moved")).toHaveLength(byGateway);
        expect(accepted).toHaveLength(1);
        if (speaker === "client") await there.close();
      }
    },
  );
});

describe("a move", () => {
  test("answers the pod's 1012 as the client would", async () => {
    const accepted = await sockets();
    await openSocket(there);
    const first = await acceptedAs(accepted, 1);
    moveAlice();
    first.ws.close(1012, "drain");
    await acceptedAs(accepted, 2);
    await eventually(() => first.closedWith).toBe(1012);
  });

  test("follows a 421 to the pod that holds", async () => {
    const accepted = await sockets();
    await openSocket(there);
    const first = await acceptedAs(accepted, 1);
    there.pods[0]?.pod.refuse("alice", { reason: "held-by", link: linkTo("alice", 1, "150") });
    first.ws.close(1012);
    expect((await acceptedAs(accepted, 2)).podIndex).toBe(1);
    await eventually(() => there.proxy.read()).toMatchObject({ repeats: 1, socketsMoved: 1 }); // once it hears of it, too
  });

  test("waits up to holdMs for the pod; what the client says meanwhile arrives there, once and whole", async () => {
    const accepted = await sockets({ proxy: { holdMs: LONG_MS } });
    const client = await openSocket(there);
    const first = await acceptedAs(accepted, 1);
    there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await deadPort() });
    (first.raw as Socket).resetAndDestroy();
    await eventually(() => there.proxy.read()["holding"]).toBe(1);
    const long = "y".repeat(300_000);
    client.ws.send("meanwhile");
    client.ws.send(long);
    moveAlice();
    const second = await acceptedAs(accepted, 2);
    await eventually(() => second.heard.length).toBe(2);
    expect(second.heard).toEqual(["meanwhile", long]);
    expect(there.proxy.read()).toMatchObject({ holding: 0, held: 1 });
  });

  test("may be held for holdMs from the pod's end, however long the socket was open before", async () => {
    const clock = fakeClock();
    const accepted = await sockets({ proxy: { clock, holdMs: 1000 } });
    await openSocket(there);
    const first = await acceptedAs(accepted, 1);
    await clock.advance(LONG_MS);
    there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await deadPort() });
    (first.raw as Socket).resetAndDestroy();
    await eventually(() => there.proxy.read()["holding"]).toBe(1);
  });

  test("keeps little of what the client says meanwhile: it has to wait", async () => {
    const accepted = await sockets({ proxy: { holdMs: LONG_MS } });
    let side: Socket | undefined;
    there.gateway.on("connection", (socket: Socket) => (side = socket));
    const client = await openSocket(there);
    const first = await acceptedAs(accepted, 1);
    there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await deadPort() });
    (first.raw as Socket).resetAndDestroy();
    await eventually(() => there.proxy.read()["holding"]).toBe(1);
    client.ws.send("w".repeat(8_000_000));
    await eventually(() => side?.isPaused()).toBe(true);
    expect(side?.bytesRead).toBeLessThan(1_000_000);
    moveAlice();
    const second = await acceptedAs(accepted, 2);
    await eventually(() => second.heard[0]?.length).toBe(8_000_000);
  });

  test("that nobody takes is closed with 1012 when holdMs are over, and at once without", async () => {
    for (const holdMs of [0, 100]) {
      const accepted = await sockets({ proxy: { holdMs } });
      const client = await openSocket(there);
      const first = await acceptedAs(accepted, 1);
      there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await deadPort() });
      (first.raw as Socket).resetAndDestroy();
      expect(await client.closed).toEqual([1012, expect.stringContaining("connect again")]);
      expect(there.proxy.read()).toMatchObject({ socketsRestarted: 1, holding: 0 });
      if (holdMs === 0) await there.close();
    }
  });

  test("ends when the client goes away meanwhile, and leaves nothing behind", async () => {
    const accepted = await sockets({ proxy: { holdMs: LONG_MS } });
    const client = await openSocket(there);
    const first = await acceptedAs(accepted, 1);
    there.route.addresses.set(0, { host: "127.0.0.1", httpPort: await deadPort() });
    (first.raw as Socket).resetAndDestroy();
    await eventually(() => there.proxy.read()["holding"]).toBe(1);
    client.ws.terminate();
    await eventually(() => there.proxy.read()).toMatchObject({ holding: 0, upgraded: 0 });
  });

  test("to a pod that negotiates something else is none: 1012", async () => {
    const handleProtocols = (podIndex: number) => () => (podIndex === 0 ? "chat" : "superchat");
    const accepted = await sockets({}, (podIndex: number) => ({ handleProtocols: handleProtocols(podIndex) }));
    const client = await openSocket(there, "alice", ["chat", "superchat"]);
    const first = await acceptedAs(accepted, 1);
    moveAlice();
    first.raw.destroy();
    expect((await client.closed)[0]).toBe(1012);
    expect(there.proxy.read()).toMatchObject({ socketsMoved: 0, socketsRestarted: 1 });
  });

  test("goes on with compressed messages: their contexts begin with the first one", async () => {
    const accepted = await sockets({}, () => ({ perMessageDeflate: { threshold: 0 } }));
    const client = await openSocket(there);
    const first = await acceptedAs(accepted, 1);
    expect(client.ws.extensions).toBe("permessage-deflate");
    moveAlice();
    first.raw.destroy();
    const second = await acceptedAs(accepted, 2);
    for (const text of ["z".repeat(5000), "z".repeat(5001)]) {
      client.ws.send(text);
      second.ws.send(text);
    }
    await eventually(() => second.heard.map((text) => text.length)).toEqual([5000, 5001]);
    await eventually(() => client.heard.map((text) => text.length)).toEqual([5000, 5001]);
  });

  test("is made once: a pod that drops it again at once gets it no more", async () => {
    const accepted = await sockets();
    const client = await openSocket(there);
    (await acceptedAs(accepted, 1)).raw.destroy();
    (await acceptedAs(accepted, 2)).raw.destroy();
    expect((await client.closed)[0]).toBe(1012);
    expect(accepted).toHaveLength(2);
    expect(there.proxy.read()).toMatchObject({ socketsMoved: 1, socketsRestarted: 1 });
  });

  test("isn't made when the end was agreed on: the pod's other codes, and the client's close, pass as they are", async () => {
    const accepted = await sockets();
    const bob = await openSocket(there);
    (await acceptedAs(accepted, 1)).ws.close(4001, "own reason");
    expect(await bob.closed).toEqual([4001, "own reason"]);
    const carol = await openSocket(there);
    const second = await acceptedAs(accepted, 2);
    carol.ws.close(1000, "bye");
    expect(await carol.closed).toEqual([1000, "bye"]);
    await eventually(() => second.closedWith).toBe(1000);
    await eventually(() => there.proxy.read()["upgraded"]).toBe(0);
    expect(there.proxy.read()).toMatchObject({ socketsMoved: 0, socketsRestarted: 0 });
  });

  test("of another pod's end, or of an earlier life's, isn't made", async () => {
    const accepted = await sockets();
    there.route.incarnations.set(0, 7);
    const client = await openSocket(there);
    const first = await acceptedAs(accepted, 1);
    there.route.podEnds.emit({ podIndex: 1, incarnation: 9 });
    there.route.podEnds.emit({ podIndex: 0, incarnation: 6 });
    client.ws.send("still here");
    await eventually(() => first.heard).toEqual(["still here"]);
    there.route.podEnds.emit({ podIndex: 0, incarnation: 7 });
    expect((await client.closed)[0]).toBe(1012);
  });
});

describe("a frame that was cut", () => {
  const SWITCHED = "\r\n\r\n";

  test("is never finished by a close frame: the connection is cut", async () => {
    const accepted = await sockets();
    const client = rawClient(there.port);
    client.socket.write(
      "GET /u/alice/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const head = await client.until(SWITCHED);
    const first = await acceptedAs(accepted, 1);
    const part = frameOf({ kind: "text", bytes: 1000 }, "server").subarray(0, 500);
    first.raw.write(part);
    await eventually(() => client.text().length).toBe(head.length + part.byteLength);
    (first.raw as Socket).resetAndDestroy();
    expect((await client.closed()).length).toBe(head.length + part.byteLength);
    expect(there.proxy.read()).toMatchObject({ socketsMoved: 0, socketsRestarted: 0 });
  });

  test("in the client's direction never reaches another pod: 1012", async () => {
    const accepted = await sockets();
    const client = rawClient(there.port);
    client.socket.write(
      "GET /u/alice/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await client.until(SWITCHED);
    const first = await acceptedAs(accepted, 1);
    client.socket.write(frameOf({ kind: "ping", bytes: 100 }, "client").subarray(0, 50));
    await eventually(() => (first.raw as Socket).bytesRead).toBeGreaterThan(0);
    first.raw.destroy();
    expect(await client.until("connect again")).toContain("\u0088");
    client.socket.end();
    await client.closed();
    expect(accepted).toHaveLength(1);
  });

  test("between fragments of a message a close frame may stand, and does", async () => {
    const accepted = await sockets();
    const client = await openSocket(there);
    const first = await acceptedAs(accepted, 1);
    first.raw.write(frameOf({ kind: "text", bytes: 10, fin: false }, "server"));
    first.raw.end();
    expect((await client.closed)[0]).toBe(1012);
  });
});

test("a client that has answered its close frame is waited for no longer", async () => {
  const clock = fakeClock(); // no time passes
  const accepted = await sockets({ proxy: { clock } });
  const client = await openSocket(there);
  const first = await acceptedAs(accepted, 1);
  client.ws.send("hello");
  await eventually(() => first.heard).toEqual(["hello"]);
  first.raw.destroy();
  expect((await client.closed)[0]).toBe(1012);
  await eventually(() => there.proxy.read()["upgraded"]).toBe(0);
});

test("a slow reader gets everything before the pod's own close frame, though the pod is long gone", async () => {
  const accepted = await sockets();
  const client = await openSocket(there);
  const first = await acceptedAs(accepted, 1);
  client.ws.pause();
  for (let count = 0; count < 5; count += 1) first.ws.send(Buffer.alloc(1_000_000));
  first.ws.close(4001, "own reason");
  first.raw.end();
  client.ws.resume();
  expect(await client.closed).toEqual([4001, "own reason"]);
  expect(client.heard).toHaveLength(5);
});

test("a proxy that closes tells its WebSockets to come back, and cuts those that don't answer by the deadline", async () => {
  await sockets();
  const polite = await openSocket(there);
  await there.proxy.close({ deadlineMs: LONG_MS });
  expect((await polite.closed)[0]).toBe(1012);
  await there.close();
  await sockets();
  const mute = await openSocket(there);
  mute.ws.pause();
  await there.proxy.close({ deadlineMs: 50 });
  expect(there.proxy.read()).toMatchObject({ upgraded: 0 });
  mute.ws.terminate();
});

test("a slow reader slows its pod down, and gets everything", async () => {
  const accepted = await sockets();
  const client = await openSocket(there);
  const first = await acceptedAs(accepted, 1);
  client.ws.pause();
  const message = Buffer.alloc(1_000_000);
  let written = 0;
  const total = 40;
  for (let count = 0; count < total; count += 1) first.ws.send(message, () => (written += 1));
  // Until it stands still: with nobody to slow it down, all of it would have left the pod by then.
  let waiting = -1;
  const standsStill = (): boolean => waiting === (waiting = first.raw.writableLength);
  await eventually(standsStill, { interval: 200 }).toBe(true);
  expect(written, "the pod has to wait").toBeLessThan(total);
  client.ws.resume();
  await eventually(() => client.heard.length).toBe(total);
});
