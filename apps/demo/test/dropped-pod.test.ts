import { Lateness } from "@podlink/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Cluster } from "./support/cluster.ts";
import { times } from "./support/times.ts";
import { uidsOf, Users } from "./support/users.ts";

const uids = uidsOf(240);
let cluster: Cluster;
let users: Users;

beforeAll(async () => {
  cluster = await Cluster.start({ pods: 4 });
  users = new Users(cluster.url());
  await users.run(uids, uids.length);
  // Callers replace nothing for silence within one lease of their own start: let that pass.
  await new Promise((resolve) => setTimeout(resolve, times.leaseMs));
});
afterAll(async () => {
  await users[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

it("a pod dropped without goodbye: its users work again within lease + grace + pace, and nobody else notices", async () => {
  const before = users.podsByUid();
  const theirs = uids.filter((uid) => before.get(uid)?.has(2));
  expect(theirs.length).toBeGreaterThan(20);
  const others = new Set(uids.filter((uid) => !theirs.includes(uid)));

  using lateness = new Lateness();
  const droppedAtMs = performance.now();
  await cluster.room(2).kill();
  cluster.rooms.delete(2);

  const paceMs = (theirs.length / (times.ratePerSecond * cluster.gateways.length)) * 1000;
  const boundMs = times.leaseMs + times.graceMs + paceMs + 250;
  const backAtMs = new Map<string, number>();
  // Each user tries again every 25 ms until it is served, as a browser with Retry-After 0 would.
  const untilServed = async (uid: string): Promise<void> => {
    for (let attempt = 0; performance.now() - droppedAtMs < boundMs + 30_000; attempt += 1) {
      const answer = await users.increment(uid, `drop-${uid}-${attempt}`);
      if (answer !== undefined) {
        backAtMs.set(uid, performance.now() - droppedAtMs);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  let served = false;
  const load = async (): Promise<void> => {
    while (!served) await users.run([...others], others.size, 4);
  };
  const loading = load();
  await Promise.all(theirs.map(untilServed));
  const lateMs = lateness.totalMs;
  served = true;
  await loading;

  expect(users.refused.filter(({ uid }) => others.has(uid))).toEqual([]);
  expect(backAtMs.size).toBe(theirs.length);
  const latest = Math.max(...backAtMs.values());
  expect(latest).toBeLessThanOrEqual(boundMs + lateMs);
  // And not before anybody could know: the pod may have served until its lease was over.
  expect(Math.min(...backAtMs.values())).toBeGreaterThan(times.leaseMs - times.leaseMarginMs);
  for (const uid of theirs) expect((await users.state(uid)).count).toBeGreaterThanOrEqual(2);
});
