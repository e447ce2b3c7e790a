import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { silentLogger } from "@podlink/types";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import type { Pod, Podlink } from "../src/index.ts";
import { connect, joinAsPod } from "../src/index.ts";

// What the drivers' own suites show on the embedded store, shown on Redis: faults that no store alone can have.
let redis: RedisServer;
let open: AsyncDisposable[] = [];
let run = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await Promise.all(open.map((thing) => thing[Symbol.asyncDispose]()));
  open = [];
});
afterAll(() => redis.end());

/** Two ready pods and a caller that sees them, in a namespace of their own. */
async function place(): Promise<{ pods: Pod[]; podlink: Podlink }> {
  const shared = { redis: redis.url, namespace: `faults-${(run += 1)}`, logger: silentLogger };
  const server = { heartbeatIntervalMs: 100, propagationMs: 1, cpuFactor: 0, stop: { deadlineMs: 6000 } };
  const join = (podIndex: number): Promise<Pod> =>
    joinAsPod({ ...shared, service: "room", podIndex, http: { port: 4000, host: "127.0.0.1" }, server });
  const pods = await Promise.all([join(0), join(1)]);
  for (const pod of pods) pod.ready();
  const podlink = await connect({ ...shared, routes: { stateRefreshMs: 100 } });
  open = [podlink, ...pods];
  await vi.waitFor(async () => expect(await podlink.routes.routablePods("room")).toHaveLength(2), 20_000);
  return { pods, podlink };
}

it("fault 2: a draining pod keeps its users, and gets no new ones", async () => {
  const { pods, podlink } = await place();
  const rooms = podlink.service("room");
  const { podIndex } = await rooms.resolve("alice");
  pods[podIndex]?.driver.setRoutingState("DenyNewCall");
  await vi.waitFor(async () => expect(await podlink.routes.isPodRoutable("room", podIndex)).toBe(false), 20_000);
  expect(await podlink.routes.isPodAvailable("room", podIndex)).toBe(true);
  expect(rooms.peek("alice")).toBe(podIndex);
  expect(await podlink.client.getLinkedPodNotCache({ service: "room", uid: "alice" })).toMatchObject({ podIndex });
  for (let user = 0; user < 20; user += 1) {
    expect(await rooms.resolve(`user-${user}`)).toMatchObject({ podIndex: 1 - podIndex });
  }
});

it("fault 16: a busier pod never looks lighter, and one that is gone never wins", async () => {
  const { pods, podlink } = await place();
  pods[0]?.driver.setLoadState(1_000_000);
  await vi.waitFor(async () => expect(await podlink.routes.getPodLoadScore("room", 0)).toBe(100), 20_000);
  expect(await podlink.routes.getPodLoadScore("room", 1)).toBeLessThan(100);
  for (let turn = 0; turn < 20; turn += 1) {
    expect(await podlink.service("room").resolve(`busy-${turn}`)).toMatchObject({ podIndex: 1 });
  }
  await pods[1]?.stop();
  await vi.waitFor(async () => expect(await podlink.routes.isPodAvailable("room", 1)).toBe(false), 20_000);
  expect(await podlink.service("room").resolve("late")).toMatchObject({ podIndex: 0 });
});
