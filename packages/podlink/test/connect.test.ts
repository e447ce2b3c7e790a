import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { MemoryExecutor } from "@podlink/memory-executor";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pod, Podlink } from "../src/index.ts";
import { connect, joinAsPod } from "../src/index.ts";

const namespace = "test";
let store: MemoryExecutor;
const open: AsyncDisposable[] = [];
const kept = <T extends AsyncDisposable>(thing: T): T => {
  open.push(thing);
  return thing;
};

beforeEach(() => {
  store = new MemoryExecutor();
});
afterEach(async () => {
  for (const thing of open.splice(0).toReversed()) await thing[Symbol.asyncDispose]();
  await store.close();
});

const gateway = async (): Promise<Podlink> => kept(await connect({ store, namespace, routes: { stateRefreshMs: 50 } }));
const member = async (podIndex: number, port = 4000): Promise<Pod> => {
  const server = { propagationMs: 1, stop: { deadlineMs: 6000 } };
  const pod = await joinAsPod({
    store,
    namespace,
    service: "room",
    podIndex,
    http: { port, host: "127.0.0.1" },
    server,
  });
  return kept(pod);
};

describe("connect", () => {
  it("gives the same handle for the same service", async () => {
    const podlink = await gateway();
    expect(podlink.service("room")).toBe(podlink.service("room"));
    expect(podlink.service("room")).not.toBe(podlink.service("doc"));
  });

  it("routes a user to a pod that is ready and remembers it", async () => {
    const pod = await member(0);
    pod.ready();
    const rooms = (await gateway()).service("room");
    expect(rooms.peek("alice")).toBeUndefined();
    expect(await rooms.resolve("alice")).toMatchObject({ uid: "alice", podIndex: 0, kind: "reservation" });
    expect(rooms.peek("alice")).toBe(0);
    expect(rooms.forget("alice")?.podIndex).toBe(0);
    expect(rooms.peek("alice")).toBeUndefined();
  });

  it("calls the pod by what the caller wants to use", async () => {
    const server = createServer((request, response) =>
      response.end(`${request.url} ${String(request.headers["podlink-uid"])}`),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    kept({ [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())) });
    const pod = await member(0, (server.address() as AddressInfo).port);
    pod.ready();
    const rooms = (await gateway()).service("room");
    const answer = await rooms.call("alice", (called) => fetch(called.url("/state"), { headers: called.headers }));
    expect(await answer.text()).toBe("/state alice");
  });

  it("finds a service by its tag, and all links of a uid", async () => {
    const pod = await member(0);
    pod.ready();
    const podlink = await gateway();
    await podlink.routes.setGlobalServiceNameTag("blue", "room");
    const rooms = await podlink.serviceByTag("blue");
    await rooms.resolve("alice");
    expect(Array.from((await podlink.linksOf("alice")).keys())).toEqual(["room"]);
    await expect(podlink.serviceByTag("green")).rejects.toMatchObject({ code: "TAG_NOT_FOUND" });
    expect(podlink.health()).toEqual({ healthy: true });
    expect(Object.keys(podlink.read()).length).toBeGreaterThan(0);
  });

  it("starts while the store is closed, and says so at the first call", async () => {
    await store.close();
    const rooms = (await gateway()).service("room");
    await expect(rooms.resolve("alice")).rejects.toMatchObject({ name: "RouteError" });
  });
});

describe("fault 23: nothing is accepted and ignored", () => {
  it.each([
    ["connect.stoer", () => connect({ stoer: 1 } as never)],
    ["connect.store", () => connect({ store: "redis" as never })],
    ["joinAsPod.http.prot", () => joinAsPod({ store, podIndex: 0, service: "room", http: { prot: 1 } as never })],
    ["joinAsPod.http.port", () => joinAsPod({ store, podIndex: 0, service: "room", http: { port: 0 } })],
  ])("%s is refused by its path", async (path, run) => {
    await expect(run()).rejects.toMatchObject({
      code: "CONFIG",
      message: expect.stringContaining(`${path}: `) as string,
    });
  });

  it("options of the drivers are checked by their own packages", async () => {
    await expect(connect({ store, client: { linkInfoCacheTimeSecs: -1 } })).rejects.toMatchObject({ code: "CONFIG" });
    await expect(connect({ store, routes: { stateRefresh: 5 } as never })).rejects.toMatchObject({ code: "CONFIG" });
    const server = { heartbeatIntervalMs: 9000 };
    await expect(joinAsPod({ store, service: "room", podIndex: 0, server })).rejects.toMatchObject({ code: "CONFIG" });
  });

  it("a bad name is INVALID_ARGUMENT, a missing identity CONFIG that says where it could come from", async () => {
    await expect(connect({ store, namespace: "No!" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(joinAsPod({ store, service: "room" })).rejects.toMatchObject({
      code: "CONFIG",
      message: expect.stringMatching(/^joinAsPod\.podIndex: .*POD_NAME/) as string,
    });
  });
});
