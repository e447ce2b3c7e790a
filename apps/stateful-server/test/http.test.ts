import { once } from "node:events";
import { connect } from "node:net";
import { WIRE } from "@podlink/http";
import { describe, expect, test } from "vitest";
import { startRoom } from "../src/room-server.ts";
import { ask, incr, say, testService } from "./rooms.ts";

describe("a pod", () => {
  test("fault 1: pod 0 alone serves everything, and answers who it is", async () => {
    const room = await testService().start(0);
    const { status, body } = await incr(room, "alice");
    expect(status).toBe(200);
    const { incarnation } = room.pod.identity ?? {};
    expect(body).toEqual({
      uid: "alice",
      count: 1,
      sequence: 1,
      pod: 0,
      incarnation,
      token: expect.stringMatching(/^\d+$/),
    });
    await say(room, "alice", { text: "hello" });
    expect((await ask(room, "GET", "/u/alice/state")).body).toEqual({
      ...body,
      sequence: 2,
      messages: [{ sequence: 2, text: "hello" }],
    });
  });

  test("keeps users apart, whatever they are called", async () => {
    const room = await testService().start(0);
    const uids = ["a/b", "a%2Fb", "a b", "ä", "__proto__", "..a", "?", "#", "%"];
    for (const uid of uids) expect((await incr(room, uid)).body).toMatchObject({ uid, count: 1 });
  });

  test("counts every increment of many at once", async () => {
    const room = await testService().start(0);
    const answers = await Promise.all(Array.from({ length: 200 }, () => incr(room, "alice")));
    expect(new Set(answers.map(({ body }) => body["count"])).size).toBe(200);
    expect((await ask(room, "GET", "/u/alice/state")).body["count"]).toBe(200);
  });

  test("has its pid in its metadata and says how it is", async () => {
    const service = testService();
    const room = await service.start(0);
    const { rows } = await service.store.readPods("test", "room");
    expect(rows[0]?.metadata).toEqual({ pid: String(process.pid) });
    expect(rows[0]?.address).toEqual({ host: "127.0.0.1", httpPort: room.port });
    const health = await ask(room, "GET", "/health");
    expect(health.status).toBe(200);
    expect(health.body).toMatchObject({ ready: true, podIndex: 0, service: "room", store: { healthy: true } });
    expect((await ask(room, "GET", "/ready")).status).toBe(200);
    expect((await ask(room, "HEAD", "/ready")).status).toBe(200);
    room.pod.driver.setServiceState("NotReady");
    expect((await ask(room, "GET", "/ready")).status).toBe(503);
    expect((await ask(room, "GET", "/health")).body).toMatchObject({ ready: false, serviceState: "NotReady" });
  });

  test("behind a port mapping is registered where others reach it", async () => {
    const service = testService();
    const room = await service.start(0, { advertisedPort: 4711 });
    const { rows } = await service.store.readPods("test", "room");
    expect(rows[0]?.address).toEqual({ host: "127.0.0.1", httpPort: 4711 });
    expect(room.port).not.toBe(4711);
  });

  test("whose start fails leaves no listener", async () => {
    const servers = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPServerWrap").length;
    await expect.poll(servers).toBe(0);
    await expect(
      startRoom({ pod: { store: "embedded", namespace: "Not A Label", podIndex: 0 } }),
    ).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(startRoom({ port: -1 })).rejects.toMatchObject({ code: "CONFIG" });
    const room = await testService().start(0);
    await expect(testService().start(1, { port: room.port })).rejects.toThrow("EADDRINUSE");
    await expect.poll(servers).toBe(1);
  });
});

describe("bad requests", () => {
  test.each([
    ["no text", {}],
    ["not JSON", "{"],
    ["no object", "5"],
    ["an empty text", { text: "" }],
    ["a text that is too long", { text: "x".repeat(1001) }],
    ["another field", { text: "a", uid: "bob" }],
  ])("400 INVALID_ARGUMENT: %s", async (_, body) => {
    const room = await testService().start(0);
    const answer = await say(room, "alice", body);
    expect([answer.status, answer.body.error?.code]).toEqual([400, "INVALID_ARGUMENT"]);
    expect((await ask(room, "GET", "/u/alice/state")).body).toMatchObject({ sequence: 0, messages: [] });
  });

  test("400: a key or a uid that can't be one", async () => {
    const room = await testService().start(0);
    expect(await incr(room, "alice", "two words")).toMatchObject({
      status: 400,
      body: { error: { code: "INVALID_ARGUMENT", message: expect.stringContaining("Idempotency-Key") } },
    });
    for (const path of ["/u/%FF/state", `/u/${"x".repeat(257)}/state`, "/u/%00/state"]) {
      expect(await ask(room, "GET", path)).toMatchObject({
        status: 400,
        body: { error: { code: "INVALID_ARGUMENT" } },
      });
    }
  });

  test("400: the gateway says another uid than the path", async () => {
    const room = await testService().start(0);
    const answer = await ask(room, "GET", "/u/alice/state", { headers: { [WIRE.uid]: "bob" } });
    expect([answer.status, answer.body.error?.code]).toEqual([400, "INVALID_ARGUMENT"]);
  });

  test("404 as JSON for any other path, without a claim", async () => {
    const room = await testService().start(0);
    for (const path of ["/", "/u/alice", "/u/alice/other", "/u/alice/state/x", "/metrics"]) {
      expect(await ask(room, "GET", path)).toMatchObject({
        status: 404,
        body: { error: { code: "INVALID_ARGUMENT" } },
      });
    }
    expect(room.pod.driver.held()).toBe(0);
  });

  test("405 with Allow for another method, 426 for live without an upgrade", async () => {
    const room = await testService().start(0);
    for (const [method, path, allow] of [
      ["POST", "/u/alice/state", "GET, HEAD"],
      ["GET", "/u/alice/incr", "POST"],
      ["PUT", "/u/alice/say", "POST"],
      ["DELETE", "/health", "GET, HEAD"],
    ] as const) {
      const answer = await ask(room, method, path);
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
    }
    expect((await ask(room, "GET", "/u/alice/live")).status).toBe(426);
  });

  test("413 for a body that is too large, said or not; 415 for another type", async () => {
    const room = await testService().start(0, { maxBodyBytes: 100 });
    expect((await say(room, "alice", { text: "x".repeat(200) })).status).toBe(413);
    const socket = connect(room.port, "127.0.0.1");
    socket.write("POST /u/alice/say HTTP/1.1\r\nhost: pod\r\ntransfer-encoding: chunked\r\n\r\n");
    for (let chunk = 0; chunk < 10; chunk += 1) socket.write(`40\r\n${"x".repeat(64)}\r\n`);
    const [data] = (await once(socket, "data")) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1.1 413 /);
    await once(socket, "close"); // what is still to come is not read
    expect((await say(room, "alice", "text=a", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(
      415,
    );
    expect((await say(room, "alice", { text: "fits" })).status).toBe(200);
  });

  test("408 for a body that doesn't come", async () => {
    const room = await testService().start(0, { bodyTimeoutMs: 50 });
    const socket = connect(room.port, "127.0.0.1");
    socket.write("POST /u/alice/say HTTP/1.1\r\nhost: pod\r\ncontent-length: 20\r\n\r\n{");
    const [data] = (await once(socket, "data")) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1.1 408 /);
    socket.destroy();
  });
});

describe("Idempotency-Key", () => {
  test("a repeat answers the same count and changes nothing, also at another pod after a move", async () => {
    const service = testService();
    const first = await service.start(0);
    const second = await service.start(1);
    await incr(first, "alice", "k-1");
    const answer = await incr(first, "alice", "k-2");
    expect((await incr(first, "alice", "k-2")).body).toEqual({ ...answer.body, repeated: true });
    await first.stop();
    const moved = await incr(second, "alice", "k-2");
    expect(moved.body).toMatchObject({ count: 2, sequence: 2, pod: 1, repeated: true });
    expect((await incr(second, "alice")).body).toMatchObject({ count: 3, pod: 1 });
  });

  test("the last 100 are known", async () => {
    const room = await testService().start(0);
    for (let key = 0; key < 101; key += 1) await incr(room, "alice", `k-${key}`);
    expect((await incr(room, "alice", "k-1")).body).toMatchObject({ count: 2, repeated: true });
    expect((await incr(room, "alice", "k-0")).body).toMatchObject({ count: 102 });
  });

  test("for another request is refused", async () => {
    const room = await testService().start(0);
    await say(room, "alice", { text: "a" }, { "idempotency-key": "k" });
    expect((await say(room, "alice", { text: "b" }, { "idempotency-key": "k" })).status).toBe(400);
    expect((await incr(room, "alice", "k")).status).toBe(400);
  });
});

describe("ownership", () => {
  test("another pod's user is refused with 421 and the link, whoever asks", async () => {
    const service = testService();
    const [first, second] = [await service.start(0), await service.start(1)];
    await incr(first, "alice");
    const answer = await incr(second, "alice");
    expect([answer.status, answer.body.error?.code]).toEqual([421, "NOT_HOLDER"]);
    expect(answer.headers.get(WIRE.refused)).toBe("held-by");
    expect(answer.headers.get(WIRE.link)).toMatch(/^pod=0; token=\d+; kind=owned/);
  });

  test("a session store with a higher token is claimed above, and goes on with its state", async () => {
    const service = testService();
    const room = await service.start(0);
    await incr(room, "alice");
    const { body } = await incr(room, "alice");
    const fence = { token: String(Number(body["token"]) + 1_000_000), holder: "9.1" };
    await service.sessionStore.loadAndRaise("alice", fence);
    const answer = await incr(room, "alice");
    expect(answer).toMatchObject({ status: 200, body: { count: 3, sequence: 3 } });
    expect(Number(answer.body["token"])).toBeGreaterThan(Number(fence.token));
  });

  test("a user that left between guard and use is answered as by the guard", async () => {
    const service = testService();
    const [first] = [await service.start(0), await service.start(1)];
    await incr(first, "alice");
    // The body comes late: meanwhile another pod took the user.
    const socket = connect(first.port, "127.0.0.1");
    socket.write("POST /u/alice/incr HTTP/1.1\r\nhost: pod\r\ncontent-length: 2\r\n\r\n{");
    await new Promise((resolve) => setTimeout(resolve, 30));
    await service.rooms[1]?.pod.driver.setLinkedPod("alice");
    socket.write("}");
    const [data] = (await once(socket, "data")) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1.1 421 [\s\S]*podlink-refused: held-by[\s\S]*podlink-link: pod=1/);
    socket.destroy();
  });

  test("a stop hands the users over, a kill leaves them to the lease", async () => {
    const service = testService();
    const [first, second] = [await service.start(0), await service.start(1)];
    for (let user = 0; user < 30; user += 1) await incr(first, `user-${user}`);
    await first.stop();
    await first.stop();
    for (let user = 0; user < 30; user += 1) {
      expect((await incr(second, `user-${user}`)).body).toMatchObject({ count: 2, pod: 1 });
    }
    await second.kill();
    const { rows } = await service.store.readPods("test", "room");
    expect(rows.map(({ serviceState }) => serviceState)).toEqual(["Terminating", "Ready"]);
    await expect(incr(second, "user-0")).rejects.toThrow("fetch failed");
  });
});
