import { Lateness } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SampleApps } from "../support/sample-apps.ts";
import { processTimes as times } from "../support/times.ts";
import { RETRY_MS, uidsOf, untilAcknowledged, Users } from "../support/users.ts";

const sizes = { users: 2000, increments: 100_000 };
/** How many requests are under way: enough to keep this machine busy, not so many that a lease starves on it. */
const WORKERS = 24;
const PODS = 5;

let redis: RedisServer;
let apps: SampleApps;

beforeAll(async () => {
  redis = await startRedis();
  apps = await SampleApps.start({ pods: PODS, gateways: 2 }, { redisUrl: redis.url });
}, 120_000);
afterAll(async () => {
  await apps.end();
  await redis.end();
});

it("five pod processes, two gateways, one Redis: the pod with most links is killed; its users are back in time, nobody else fails, every counter is exact", async () => {
  const sides = apps.gateways.map(({ url = "" }) => new Users(url, 32));
  const uids = uidsOf(sizes.users);
  const sideOf = (turn: number): Users => sides[turn % sides.length] as Users;
  const podOf = new Map<string, number>();
  await inParallel(uids.length, async (turn) => {
    const uid = uids[turn] as string;
    const answer = await sideOf(turn).increment(uid, "first");
    if (answer === undefined) throw new Error(`${uid} was refused before anything happened`);
    podOf.set(uid, answer.pod);
  });
  const victim = busiest(podOf);
  const theirs = new Set(uids.filter((uid) => podOf.get(uid) === victim));

  const acknowledged = new Map(uids.map((uid) => [uid, 1]));
  const failed: string[] = [];
  const incrementOnce = async (turn: number, uid: string): Promise<number> => {
    const { atMs, tries } = await untilAcknowledged(sideOf(turn), uid, `k${turn}`);
    if (tries > 1) failed.push(uid);
    acknowledged.set(uid, (acknowledged.get(uid) ?? 0) + 1);
    return atMs;
  };
  const half = sizes.increments / 2;
  await inParallel(half, async (turn) => void (await incrementOnce(turn, uids[turn % uids.length] as string)));
  expect(failed).toEqual([]);

  // In the middle of the load: the others' goes on, and each user of the pod tries until served.
  using lateness = new Lateness();
  const others = uids.filter((uid) => !theirs.has(uid));
  const loading = inParallel(
    half,
    async (turn) => void (await incrementOnce(half + turn, others[turn % others.length] as string)),
  );
  await apps.room(victim).kill();
  const killedAtMs = performance.now();
  const backAtMs = await Promise.all(Array.from(theirs, (uid, turn) => incrementOnce(2 * half + turn, uid)));
  const lateMs = lateness.totalMs;
  await loading;

  expect(failed.filter((uid) => !theirs.has(uid))).toEqual([]);
  const paceMs = (theirs.size / (times.ratePerSecond * sides.length)) * 1000;
  const boundMs = times.leaseMs + times.graceMs + paceMs + 250 + RETRY_MS;
  const latestMs = Math.max(...backAtMs) - killedAtMs;
  expect(latestMs).toBeLessThanOrEqual(boundMs + lateMs);
  for (const [uid, count] of acknowledged) expect((await sideOf(0).state(uid)).count, uid).toBe(count);
  await Promise.all(sides.map((side) => side[Symbol.asyncDispose]()));
}, 600_000);

/** Runs `work` for 0 to `total` - 1, some at a time. */
async function inParallel(total: number, work: (turn: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) await work(next++);
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
}

function busiest(podOf: ReadonlyMap<string, number>): number {
  const counts = new Map<number, number>();
  for (const pod of podOf.values()) counts.set(pod, (counts.get(pod) ?? 0) + 1);
  return Array.from(counts).toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}
