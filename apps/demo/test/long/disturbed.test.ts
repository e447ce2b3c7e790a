import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { SampleApps } from "../support/sample-apps.ts";
import { processTimes as times } from "../support/times.ts";
import { uidsOf, untilAcknowledged, Users } from "../support/users.ts";

const uids = uidsOf(60);
let redis: RedisServer;
let apps: SampleApps;

beforeAll(async () => {
  redis = await startRedis();
  apps = await SampleApps.start({ pods: 3, gateways: 2 }, { redisUrl: redis.url });
}, 120_000);
afterAll(async () => {
  await apps.end();
  await redis.end();
});

/** Users of both gateways that try each key until it is acknowledged, until it is told to stop. */
function load(): { stop: () => Promise<Map<string, number>> } {
  const sides = apps.gateways.map(({ url = "" }) => new Users(url, 8));
  onTestFinished(async () => void (await Promise.all(sides.map((side) => side[Symbol.asyncDispose]()))));
  const acknowledged = new Map(uids.map((uid) => [uid, 0]));
  const run = performance.now();
  let stopped = false;
  const worker = async (number: number): Promise<void> => {
    for (let turn = 0; !stopped; turn += 1) {
      // Each uid is one worker's: its count is what was acknowledged, whatever happened.
      const uid = uids[(number + turn * WORKERS) % uids.length] as string;
      const side = sides[turn % sides.length] as Users;
      await untilAcknowledged(side, uid, `${run}-${number}-${turn}`);
      acknowledged.set(uid, (acknowledged.get(uid) ?? 0) + 1);
    }
  };
  const working = Promise.all(Array.from({ length: WORKERS }, (_, number) => worker(number)));
  return {
    async stop() {
      stopped = true;
      await working;
      return acknowledged;
    },
  };
}
const WORKERS = 6;
/** What was counted before a test began. */
const counted = new Map(uids.map((uid) => [uid, 0]));

/** Every increment that was acknowledged has happened once, and nothing else. */
async function expectExact(acknowledged: ReadonlyMap<string, number>): Promise<void> {
  const users = new Users(apps.gateways[0]?.url ?? "", 8);
  onTestFinished(() => users[Symbol.asyncDispose]());
  for (const [uid, count] of acknowledged) counted.set(uid, (counted.get(uid) ?? 0) + count);
  for (const [uid, count] of counted) expect((await users.state(uid)).count, uid).toBe(count);
}

it("3 to 5 to 2 to 4 pods under load: every acknowledged increment counts once, and nobody dies unasked", async () => {
  const { stop } = load();
  await apps.scaleTo(5);
  await apps.scaleTo(2);
  await apps.scaleTo(4);
  await expectExact(await stop());
  expect(apps.rooms.map(({ name, starts }) => [name, starts])).toEqual([
    ["room-0", 1],
    ["room-1", 1],
    ["room-2", 2],
    ["room-3", 2],
  ]);
  const scaledDown = apps.supervisor.record.filter(({ what }) => what === "end");
  expect(scaledDown.map(({ name, detail }) => [name, detail])).toEqual([
    ["room-4", "exit code 0"],
    ["room-3", "exit code 0"],
    ["room-2", "exit code 0"],
  ]);
  expect(apps.unexpectedEnds).toEqual([]);
}, 180_000);

it("a rolling restart under load: the same indexes, new processes, every counter exact", async () => {
  const before = apps.rooms.map(({ pid }) => pid);
  const { stop } = load();
  await apps.rollingRestart();
  await expectExact(await stop());
  expect(apps.rooms.map(({ name }) => name)).toEqual(["room-0", "room-1", "room-2", "room-3"]);
  expect(apps.rooms.filter(({ pid }) => before.includes(pid))).toEqual([]);
  expect(apps.unexpectedEnds).toEqual([]);
}, 180_000);

it("a pod paused for longer than its lease, and one killed and restarted: every counter exact", async () => {
  const { stop } = load();
  const paused = apps.room(1);
  paused.pause();
  await new Promise((resolve) => setTimeout(resolve, times.leaseMs + times.graceMs)); // this is the fault
  paused.resume();
  await apps.room(2).kill();
  await apps.room(2).restart();
  await expectExact(await stop());
  expect(paused.state).toBe("ready");
  const [first] = apps.supervisor.outages().filter(({ kind }) => kind === "paused");
  expect((first?.toMs ?? 0) - (first?.fromMs ?? 0)).toBeGreaterThan(times.leaseMs);
  expect(apps.unexpectedEnds).toEqual([]);
}, 180_000);

it("a gateway killed and restarted is at the same address, and serves", async () => {
  const gateway = apps.gateways[1];
  const url = gateway?.url ?? "";
  await gateway?.kill();
  await expect(fetch(url)).rejects.toThrow();
  await gateway?.restart();
  expect(gateway?.url).toBe(url);
  const users = new Users(url, 1);
  onTestFinished(() => users[Symbol.asyncDispose]());
  await untilAcknowledged(users, "user-0", "after");
}, 60_000);
