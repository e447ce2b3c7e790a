import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import type { SocketMessage, SocketOptions } from "../../src/load.ts";
import { expectNothingLeftOpen } from "../../src/index.ts";
import { startSockets } from "../../src/load.ts";
import { PATIENTLY, startService } from "./support/service.ts";

const reading: Omit<SocketOptions, "url"> = {
  users: ["ann"],
  path: (uid, last) => `/${uid}?last=${last ?? "none"}`,
  read: (text) => JSON.parse(text) as SocketMessage,
};

const send = (socket: WebSocket, ...messages: readonly SocketMessage[]): void => {
  for (const message of messages) socket.send(JSON.stringify(message));
};
const changes = (...sequences: readonly number[]): SocketMessage[] =>
  sequences.map((sequence) => ({ kind: "change", sequence }));

const faultless = { lost: 0, duplicates: 0, outOfOrder: 0, declaredLost: 0, setBacks: 0 };

test.each([
  ["tells each change once and in order", changes(1, 2, 3, 4, 5), faultless, undefined],
  ["drops a change", changes(1, 2, 4, 5), { ...faultless, lost: 1 }, "ann: 4 came after-a-hole; the last was 2"],
  [
    "drops the first changes",
    changes(3, 4, 5),
    { ...faultless, lost: 2 },
    "ann: 3 came after-a-hole; the last was none",
  ],
  [
    "repeats a change",
    changes(1, 2, 3, 3, 4, 5),
    { ...faultless, duplicates: 1 },
    "ann: 3 came duplicate; the last was 3",
  ],
  ["swaps two", changes(1, 3, 2, 4, 5), { ...faultless, outOfOrder: 1 }, "ann: 3 came after-a-hole; the last was 1"],
  [
    "says that some are lost",
    [...changes(1, 2), { kind: "gap", next: 5 }, ...changes(5)],
    { ...faultless, declaredLost: 2 },
    "ann: the service said that its next change is 5; the last was 2",
  ],
  [
    "goes back",
    [...changes(1, 2, 3), { kind: "gap", next: 2 }, ...changes(2, 3, 4, 5)],
    { ...faultless, setBacks: 1 },
    "ann: the service said that its next change is 2; the last was 3",
  ],
  ["begins later and says so", [{ kind: "from", sequence: 3 }, ...changes(4, 5)], faultless, undefined],
] as [string, SocketMessage[], object, string | undefined][])(
  "of a service that %s, that and nothing else is found",
  async (_, messages, faults, said) => {
    const { url } = await startService({ live: (socket) => send(socket, ...messages) });
    await using sockets = startSockets({ ...reading, url });
    await sockets.seen(() => 5);
    const report = sockets.report();
    expect(report).toMatchObject({ ...faults, messages: messages.length, unreadable: 0 });
    expect(report.faults[0]).toBe(said);
  },
);

test("each socket comes back with the last change that it saw, and is held to one sequence over all its connections", async () => {
  const paths: string[] = [];
  const { url } = await startService({
    live: (socket, path) => {
      paths.push(path);
      const last = Number(path.split("=")[1]) || 0;
      send(socket, ...changes(last + 1, last + 2));
      if (last < 4) socket.close(1012);
    },
  });
  await using sockets = startSockets({ ...reading, url });
  await sockets.seen(() => 6);
  expect(paths).toEqual(["/ann?last=none", "/ann?last=2", "/ann?last=4"]);
  expect(sockets.report()).toMatchObject({ ...faultless, connections: 3, closes: { 1012: 2 }, changes: 6, gone: 0 });
  expect(sockets.report().closedFor?.count).toBe(2);
});

test("a change that is lost or told twice across a reconnection is found", async () => {
  for (const [next, found] of [
    [4, { lost: 1 }],
    [2, { duplicates: 1 }],
  ] as const) {
    let connections = 0;
    const { url } = await startService({
      live: (socket) => {
        connections += 1;
        if (connections > 1) return send(socket, ...changes(...[2, 3, 4, 5].filter((sequence) => sequence >= next)));
        send(socket, ...changes(1, 2));
        return socket.close(1001);
      },
    });
    await using sockets = startSockets({ ...reading, url });
    await sockets.seen(() => 5);
    expect(sockets.report()).toMatchObject({ ...faultless, ...found });
  }
});

test.each([1001, 1006, 1011, 1012, 4000])("a socket comes back after code %i", async (code) => {
  let connections = 0;
  const { url } = await startService({
    live: (socket) => {
      connections += 1;
      if (connections > 1) send(socket, ...changes(1));
      else if (code === 1006) socket.terminate();
      else socket.close(code);
    },
  });
  await using sockets = startSockets({ ...reading, url });
  await sockets.seen(() => 1);
  expect(sockets.report()).toMatchObject({ connections: 2, closes: { [code]: 1 } });
});

test.each([1002, 1007, 1008, 1009])("a socket stays away after code %i, which blames the client", async (code) => {
  const { url } = await startService({ live: (socket) => socket.close(code) });
  await using sockets = startSockets({ ...reading, url });
  await expect.poll(() => sockets.report().gone, PATIENTLY).toBe(1);
  expect(sockets.report()).toMatchObject({ connections: 1, open: 0, closes: { [code]: 1 } });
});

test("a rule of one's own says after which code to come back", async () => {
  const { url } = await startService({ live: (socket) => socket.close(4001) });
  await using sockets = startSockets({ ...reading, url, comeBack: (code) => code !== 4001 });
  await expect.poll(() => sockets.report().gone, PATIENTLY).toBe(1);
});

test("handshakes that are refused are counted by status, and tried again", async () => {
  const refusing = await startService({});
  const { url } = await startService({ live: (socket) => send(socket, ...changes(1)) });
  await using sockets = startSockets({ ...reading, url: [refusing.url, url] });
  await sockets.opened;
  await sockets.seen(() => 1);
  expect(sockets.report()).toMatchObject({ connections: 1, handshakes: { 503: 1 }, closes: {} });
});

test("a socket whose pings are not answered is cut and comes back", async () => {
  let connections = 0;
  const { url } = await startService({
    live: (socket) => {
      connections += 1;
      if (connections === 1) socket.pause(); // reads nothing any more, and so answers no ping
      else send(socket, ...changes(1));
    },
  });
  await using sockets = startSockets({ ...reading, url, pingMs: 30 });
  await sockets.seen(() => 1);
  expect(sockets.report()).toMatchObject({ silent: 1, connections: 2, closes: { 1006: 1 } });
});

test("who has not seen what it must is behind, and seen() waits for it no longer than its signal", async () => {
  const { url } = await startService({
    live: (socket, path) => send(socket, ...changes(...(path.startsWith("/ann") ? [1, 2] : [1]))),
  });
  await using sockets = startSockets({ ...reading, users: ["ann", "bob"], url });
  await sockets.seen((uid) => (uid === "ann" ? 2 : 1));
  await sockets.seen(() => 2, AbortSignal.timeout(50));
  expect(sockets.last()).toEqual([2, 1]);
  expect(sockets.report(() => 2).behind).toBe(1);
  expect(sockets.report(() => 1).behind).toBe(0);
  expect(sockets.report().behind).toBe(0);
});

test("a path that can't be made is said, and the socket stays away", async () => {
  const { url } = await startService({ live: (socket) => send(socket, ...changes(1)) });
  const path = (uid: string): string => {
    if (uid === "bob") throw new Error("nobody knows bob");
    return "/";
  };
  await using sockets = startSockets({ ...reading, users: ["bob", "ann"], url, path });
  await sockets.seen((uid) => (uid === "ann" ? 1 : 0));
  expect(sockets.report()).toMatchObject({ handshakes: { "nobody knows bob": 1 }, gone: 1, open: 1 });
});

test("a message that can't be read is counted and said", async () => {
  const { url } = await startService({ live: (socket) => socket.send("?") });
  await using sockets = startSockets({ ...reading, url });
  await expect.poll(() => sockets.report().unreadable, PATIENTLY).toBe(1);
  expect(sockets.report().faults[0]).toMatch(/^ann: .*JSON/);
});

test("a push that says when it was sent is counted until it is seen", async () => {
  const { url } = await startService({
    live: (socket) => send(socket, { kind: "change", sequence: 1, pushedAtMs: Date.now() - 200 }),
  });
  await using sockets = startSockets({ ...reading, url });
  await sockets.seen(() => 1);
  expect(sockets.report().seenAfter?.maxMs).toBeGreaterThanOrEqual(200);
});

test("sockets that can't be opened in time say so, and the end leaves nothing open", async () => {
  const { url } = await startService({});
  await expectNothingLeftOpen(async () => {
    const sockets = startSockets({ ...reading, users: 5, url, openWithinMs: 50 });
    await expect(sockets.opened).rejects.toMatchObject({ code: "TIMEOUT" });
    await sockets.end();
  });
});

test("ended in the middle of handshakes, waits and talk, nothing is left open", async () => {
  const ends: Promise<void>[] = [];
  const { url, stop } = await startService({ live: (socket) => send(socket, ...changes(1)) });
  await expectNothingLeftOpen(async () => {
    const opening = startSockets({ ...reading, users: 50, url, maxOpening: 4 });
    const open = startSockets({ ...reading, users: 5, url });
    const stopping = new AbortController();
    const aborted = startSockets({ ...reading, users: 5, url, signal: stopping.signal });
    await open.opened;
    stopping.abort();
    await stop();
    await expect.poll(() => open.report().open, PATIENTLY).toBe(0); // all wait for their time to come back
    for (const sockets of [opening, open, aborted]) ends.push(sockets.end());
    await Promise.all(ends);
  });
});
