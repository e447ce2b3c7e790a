import { afterAll, beforeAll, expect, it } from "vitest";
import { Cluster } from "./support/cluster.ts";
import { uidsOf, Users } from "./support/users.ts";

const uids = uidsOf(300);
let cluster: Cluster;
let users: Users;

beforeAll(async () => {
  cluster = await Cluster.start({ pods: 3, gateways: 2 });
  users = new Users(cluster.url());
  await users.run(uids, uids.length);
});
afterAll(async () => {
  await users[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

it("a pod that drains in the middle of the load fails no request, and its users go on elsewhere with their state", async () => {
  const before = users.podsByUid();
  const moving = uids.filter((uid) => before.get(uid)?.has(1));
  expect(moving.length).toBeGreaterThan(50);

  let stopped = false;
  const load = async (): Promise<void> => {
    while (!stopped) await users.run(uids, uids.length, 16);
  };
  const loading = load();
  await cluster.room(1).stop();
  await cluster.until("the gateway sees the goodbye", async () => {
    const pod = (await cluster.pods()).find(({ podIndex }) => podIndex === 1);
    return pod === undefined || pod.routingState === "Shutdown";
  });
  stopped = true;
  await loading;
  await users.run(uids, uids.length);

  expect(users.refused).toEqual([]);
  for (const [uid, { highest, acknowledged }] of users.countsByUid()) expect(highest, uid).toBe(acknowledged);
  for (const uid of moving) expect((await users.state(uid)).pod, uid).not.toBe(1);
  const staying = uids.filter((uid) => !moving.includes(uid));
  const pods = users.podsByUid();
  for (const uid of staying) expect(pods.get(uid), uid).toEqual(before.get(uid));
});

it("a key acknowledged by one pod and repeated at another after the move answers the same count", async () => {
  const first = users.acknowledged.find(({ pod }) => pod === 1);
  if (first === undefined) throw new Error("nobody was on pod 1");
  const { count } = await users.state(first.uid);
  // The 100 newest keys are kept: repeat one that certainly is among them, acknowledged before the move.
  expect(count).toBeLessThan(100);
  const repeated = await users.increment(first.uid, first.key);
  expect(repeated).toMatchObject({ uid: first.uid, count: first.count });
  expect(repeated?.pod).not.toBe(1);
  expect((await users.state(first.uid)).count).toBe(count);
});

it("a second gateway that cached the old pod is corrected by one hop", async () => {
  const others = new Users(cluster.url(1));
  await others.run(uids, uids.length);
  expect(others.refused).toEqual([]);
  await others[Symbol.asyncDispose]();
});
