import { afterAll, beforeAll, expect, it } from "vitest";
import { Cluster } from "./support/cluster.ts";
import { imbalance, uidsOf, Users } from "./support/users.ts";

// One story in order: each part stands on the one before.
const uids = uidsOf(1000);
let cluster: Cluster;
let users: Users;
const podOf = new Map<string, number>();

beforeAll(async () => {
  cluster = await Cluster.start({ pods: 3 });
  users = new Users(cluster.url());
});
afterAll(async () => {
  await users[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

it("1,000 users and 20,000 increments over many connections: each user is always answered by one pod", async () => {
  await users.run(uids, 20_000);
  expect(users.refused).toEqual([]);
  expect(users.acknowledged).toHaveLength(20_000);
  for (const [uid, pods] of users.podsByUid()) {
    expect(pods.size, `${uid} was answered by pods ${[...pods].join(", ")}`).toBe(1);
    podOf.set(uid, [...pods][0] as number);
  }
  expect(podOf.size).toBe(1000);
}, 120_000); // 40,000 hops through one process: it takes what the machine gives

it("pods hold about the same number of users", () => {
  expect(imbalance(podOf, 3)).toBeLessThanOrEqual(1.15);
});

it("every counter equals its acknowledged increments, each acknowledged once", async () => {
  const counts = users.countsByUid();
  for (const uid of uids) expect(counts.get(uid)).toEqual({ highest: 20, acknowledged: 20 });
  for (const uid of uids.slice(0, 50)) expect((await users.state(uid)).count).toBe(20);
});

it("a second gateway with a cold cache agrees about all 1,000 users", async () => {
  await cluster.addGateway();
  const others = new Users(cluster.url(1));
  for (const uid of uids) expect((await others.state(uid)).pod).toBe(podOf.get(uid));
  await others[Symbol.asyncDispose]();
});

it("after a fourth pod joins no existing user moves, and new ones reach it", async () => {
  await cluster.addRoom(3);
  await cluster.until("the gateway sees pod 3", async () =>
    (await cluster.pods()).some(({ podIndex }) => podIndex === 3),
  );
  await users.run(uids, 1000);
  for (const [uid, pods] of users.podsByUid()) expect(pods, uid).toEqual(new Set([podOf.get(uid)]));
  const fresh = uidsOf(300, "fresh");
  await users.run(fresh, 300);
  const pods = users.podsByUid();
  // How many is the balancer's own test: the pod is in its slow start, and how far depends on this machine.
  expect(fresh.filter((uid) => pods.get(uid)?.has(3)).length).toBeGreaterThan(0);
});

it("a pod at overloadScore gets no new user, and keeps those it has", async () => {
  const { driver } = cluster.room(0).pod;
  driver.setLoadState(1_000_000);
  const score = async (): Promise<number | undefined> =>
    (await cluster.pods()).find(({ podIndex }) => podIndex === 0)?.loadScore;
  await cluster.until("the gateway sees the overload", async () => (await score()) === 100);
  const late = uidsOf(200, "late");
  await users.run(late, 200);
  const pods = users.podsByUid();
  for (const uid of late) expect(pods.get(uid)?.has(0), uid).toBe(false);
  const kept = uids.find((uid) => podOf.get(uid) === 0) as string;
  expect((await users.increment(kept, "after-overload"))?.pod).toBe(0);
});
