import { WIRE } from "@podlink/http";
import { recordingLogger } from "@podlink/testkit";
import { RouteError } from "@podlink/types";
import { describe, expect, test } from "vitest";
import { ask, incr, LiveClient, refusedUpgrade, say, testService } from "./rooms.ts";

const sequences = (client: LiveClient): unknown[] =>
  client.heard.filter(({ kind }) => kind === "incr" || kind === "say").map(({ sequence }) => sequence);

describe("live", () => {
  test("pushes every change with its sequence number, in order, to everybody connected", async () => {
    const room = await testService().start(0);
    const clients = await Promise.all([1, 2, 3].map(() => LiveClient.open(room, "alice")));
    const other = await LiveClient.open(room, "bob");
    expect(clients[0]?.heard[0]).toMatchObject({ kind: "hello", uid: "alice", count: 0, sequence: 0, pod: 0 });
    await Promise.all(Array.from({ length: 50 }, () => incr(room, "alice")));
    await say(room, "alice", { text: "hi" });
    for (const client of clients) {
      await client.hears(52);
      expect(sequences(client)).toEqual(Array.from({ length: 51 }, (_, index) => index + 1));
      expect(client.heard.at(-1)).toEqual({ kind: "say", sequence: 51, count: 50, text: "hi" });
    }
    expect(other.heard).toHaveLength(1);
  });

  test("a client that comes back with the last it saw gets the rest", async () => {
    const room = await testService().start(0);
    for (let change = 0; change < 10; change += 1) await incr(room, "alice");
    const client = await LiveClient.open(room, "alice", "?last=7");
    await client.hears(4);
    expect(sequences(client)).toEqual([8, 9, 10]);
    await incr(room, "alice");
    await client.hears(5);
    expect(sequences(client)).toEqual([8, 9, 10, 11]);
  });

  test("who was away for more than 100 changes is told of the gap", async () => {
    const room = await testService().start(0);
    for (let change = 0; change < 130; change += 1) await incr(room, "alice");
    const client = await LiveClient.open(room, "alice", "?last=5");
    await client.hears(102);
    expect(client.heard[1]).toEqual({ kind: "gap", last: 5, next: 31 });
    expect(sequences(client)[0]).toBe(31);
    expect(sequences(client)).toHaveLength(100);
    const ahead = await LiveClient.open(room, "alice", "?last=500");
    await ahead.hears(2);
    expect(ahead.heard[1]).toEqual({ kind: "gap", last: 500, next: 131 });
  });

  test("no change is lost or doubled between the rest and what is pushed", async () => {
    const room = await testService().start(0);
    let done = false;
    const writing = (async () => {
      try {
        for (let change = 0; change < 60; change += 1) await incr(room, "alice");
      } finally {
        done = true;
      }
    })();
    const clients: LiveClient[] = [];
    while (!done) clients.push(await LiveClient.open(room, "alice", "?last=0"));
    await writing;
    for (const client of clients) {
      await client.hears(61);
      expect(sequences(client)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    }
  });

  test("a message is a change, guarded and answered", async () => {
    const room = await testService().start(0);
    const client = await LiveClient.open(room, "alice");
    client.send({ kind: "incr", key: "k" });
    client.send({ kind: "incr", key: "k" });
    client.send({ kind: "say", text: "hi" });
    await client.hears(6);
    expect(client.heard.slice(1)).toEqual([
      { kind: "incr", sequence: 1, count: 1 },
      { kind: "done", key: "k", sequence: 1, count: 1 },
      { kind: "done", key: "k", sequence: 1, count: 1, repeated: true },
      { kind: "say", sequence: 2, count: 1, text: "hi" },
      { kind: "done", sequence: 2, count: 1 },
    ]);
  });

  test("a bad message is answered with an error and changes nothing", async () => {
    const room = await testService().start(0);
    const client = await LiveClient.open(room, "alice");
    for (const message of ["{", "5", { kind: "clear" }, { kind: "say" }, { kind: "incr", key: "" }, Buffer.from([1])]) {
      client.send(message);
    }
    await client.hears(7);
    for (const answer of client.heard.slice(1)) {
      expect(answer).toMatchObject({ kind: "error", error: { code: "INVALID_ARGUMENT" } });
    }
    expect((await ask(room, "GET", "/u/alice/state")).body["sequence"]).toBe(0);
  });

  test("too many messages at once close it with 1008, too large a one with 1009", async () => {
    const room = await testService().start(0, { maxBodyBytes: 1000 });
    const flood = await LiveClient.open(room, "alice");
    for (let message = 0; message < 5000; message += 1) flood.send({ kind: "incr" });
    expect(await flood.closed).toBe(1008);
    const large = await LiveClient.open(room, "bob");
    large.send({ kind: "say", text: "x".repeat(1000) });
    expect(await large.closed).toBe(1009);
    expect((await ask(room, "GET", "/health")).status).toBe(200);
  });
});

describe("an upgrade that is refused", () => {
  test("says so before it becomes a socket", async () => {
    const service = testService();
    const [first, second] = [await service.start(0), await service.start(1)];
    await incr(first, "alice");
    const elsewhere = await refusedUpgrade(second, "/u/alice/live");
    expect([elsewhere.status, elsewhere.headers.get(WIRE.refused)]).toEqual([421, "held-by"]);
    expect(await refusedUpgrade(first, "/u/alice/state")).toMatchObject({ status: 404 });
    expect(await refusedUpgrade(first, "/u/alice/live?last=x")).toMatchObject({
      status: 400,
      body: { error: { code: "INVALID_ARGUMENT" } },
    });
    expect(await refusedUpgrade(first, "/u/%ff/live")).toMatchObject({ status: 400 });
  });

  test("with too many sockets asks to come back", async () => {
    const room = await testService().start(0, { maxSockets: 1 });
    await LiveClient.open(room, "alice");
    const refused = await refusedUpgrade(room, "/u/bob/live");
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
  });
});

describe("the end of a period", () => {
  test("closes its sockets with 1012; the client finds the rest at the next pod", async () => {
    const service = testService();
    const [first, second] = [await service.start(0), await service.start(1)];
    const client = await LiveClient.open(first, "alice");
    await incr(first, "alice");
    await client.hears(2);
    await second.pod.driver.setLinkedPod("alice");
    expect(await client.closed).toBe(1012);
    await incr(second, "alice");
    const back = await LiveClient.open(second, "alice", "?last=1");
    await back.hears(2);
    expect(sequences(back)).toEqual([2]);
  });

  test("a drain moves connected users: sockets don't count as running requests", async () => {
    const service = testService();
    const patient = { pod: { server: { handOffTimeoutMs: 20_000, stop: { deadlineMs: 30_000 } } } };
    const [first, second] = [await service.start(0, patient), await service.start(1)];
    const clients = await Promise.all(Array.from({ length: 20 }, (_, user) => LiveClient.open(first, `user-${user}`)));
    await incr(first, "user-0");
    const begun = performance.now();
    await first.stop();
    expect(performance.now() - begun).toBeLessThan(15_000); // far from the time of a hand-off
    expect(new Set(await Promise.all(clients.map(({ closed }) => closed)))).toEqual(new Set([1012]));
    const back = await LiveClient.open(second, "user-0", "?last=0");
    await back.hears(2);
    expect(sequences(back)).toEqual([1]);
  });

  test("a stop that finds nobody to take the users closes with 1001", async () => {
    const room = await testService().start(0);
    const client = await LiveClient.open(room, "alice");
    await room.stop();
    expect(await client.closed).toBe(1001);
  });

  test("a kill cuts them without a word", async () => {
    const room = await testService().start(0);
    const client = await LiveClient.open(room, "alice");
    await room.kill();
    expect(await client.closed).toBe(1006);
  });
});

describe("a socket", () => {
  test("that doesn't answer a ping is cut at the next", async () => {
    const room = await testService().start(0, { pingMs: 500 });
    const quiet = new LiveClient(room, "/u/alice/live", { autoPong: false });
    const lively = await LiveClient.open(room, "alice");
    expect(await quiet.closed).toBe(1006);
    await incr(room, "alice");
    await lively.hears(2);
  });

  test("of a store that fails is closed with 1011 and without a word of why", async () => {
    const service = testService();
    const broken = { loadAndRaise: service.sessionStore.loadAndRaise.bind(service.sessionStore) };
    const write = (): Promise<never> => Promise.reject(new Error("password=hunter2"));
    const logger = recordingLogger();
    const room = await service.start(0, { sessionStore: { ...broken, write }, logger });
    const client = await LiveClient.open(room, "alice");
    client.send({ kind: "incr" });
    expect(await client.closed).toBe(1011);
    const answer = await incr(room, "alice");
    expect([answer.status, answer.body.error?.code]).toEqual([500, "INTERNAL"]);
    expect(JSON.stringify([client.heard, answer.body])).not.toContain("hunter2");
    expect(logger.entries.map(({ message }) => message)).toEqual(
      expect.arrayContaining(["a socket failed", "a request failed"]),
    );
  });

  test("that could not join is closed: it would hear nothing", async () => {
    const service = testService();
    const unavailable = (): Promise<never> => Promise.reject(new RouteError("STORE_UNAVAILABLE", "the store is away"));
    const room = await service.start(0, { sessionStore: { loadAndRaise: unavailable, write: unavailable } });
    const client = new LiveClient(room, "/u/alice/live");
    expect(await client.closed).toBe(1012);
    expect(client.heard).toMatchObject([{ kind: "error", error: { code: "STORE_UNAVAILABLE", retryable: true } }]);
    expect((await incr(room, "alice")).status).toBe(503);
  });
});

describe("idleness", () => {
  test("a room without sockets is let go, one with a socket stays", async () => {
    const room = await testService().start(0, { idleMs: 60 });
    const client = await LiveClient.open(room, "alice");
    await incr(room, "bob");
    await expect.poll(() => room.pod.driver.isHeld("bob")).toBe(false);
    expect(room.pod.driver.isHeld("alice")).toBe(true);
    client.socket.close();
    await expect.poll(() => room.pod.driver.isHeld("alice")).toBe(false);
    expect((await incr(room, "bob")).body).toMatchObject({ count: 2 });
  });
});
