import { faultRow } from "@podlink/faults";
import { startFaultProxy } from "@podlink/testkit";
import type { Load } from "@podlink/testkit/load";
import { countBreaches, formatReport, roomLoad, startLoad } from "@podlink/testkit/load";
import { startRedis } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { SampleApps } from "../support/sample-apps.ts";
import { uidsOf } from "../support/users.ts";
import { countOf, increment } from "./support/increment.ts";
import { rollingRestart } from "./support/rolling-restart.ts";

const users = 60;

/** Users of whom nobody tries twice: what isn't answered well at once has failed. */
const loadOf = (urls: readonly string[], prefix: string): Promise<Load> =>
  startLoad({ ...roomLoad(), url: urls, users: uidsOf(users, prefix), ratePerSecond: 60, timeoutMs: 10_000 });
const everybodyAsked = (load: Load, from: number): Promise<void> =>
  vi.waitFor(() => expect(load.report().figures.acknowledged).toBeGreaterThan(from + users), {
    timeout: 30_000,
    interval: 50,
  });

faultRow(50, "SIGTERM lets a request that is under way end, and a WebSocket's user loses no change", async (row) => {
  await using redis = await startRedis();
  await using kept = await startRedis();
  await using line = await startFaultProxy({ target: kept });
  await using apps = new SampleApps({ redisUrl: redis.url, sessionRedisUrl: kept.url });
  row.supervisor(apps.supervisor);
  const leaving = await apps.startRoom(0, { SESSION_REDIS_URL: line.url("redis") });
  const { url = "" } = await apps.startGateway(0);
  await using load = await startLoad({ ...roomLoad(), url, users: ["ann"], ratePerSecond: 20, timeoutMs: 10_000 });
  const first = await increment(url, "bob", "first");
  expect(first).toMatchObject({ pod: 0, count: 1 });
  await vi.waitFor(() => expect(load.user("ann")?.acknowledged).toBeGreaterThan(2), 10_000);
  await apps.startRoom(1);

  // Bob's change is on its way to the storage when the signal comes.
  const slow = row.proxy(line).add({ fault: "delay", ms: 300, bytes: (chunk) => chunk.includes("under-way") });
  const underWay = row.request(() =>
    fetch(`${url}/s/room/u/bob/incr`, { method: "POST", headers: { "idempotency-key": "under-way" } }),
  );
  await slow.whenFired();
  const ended = leaving.terminate();
  const answer = await underWay;
  expect(answer.status).toBe(200);
  expect(await answer.json(), "by the pod that had it").toMatchObject({ pod: 0, count: 2, token: first.token });
  expect(await ended).toMatchObject({ code: 0, wasOverdue: false });
  expect(await increment(url, "bob", "after")).toMatchObject({ pod: 1, count: 3 });

  const { acknowledged } = load.report().figures;
  await vi.waitFor(() => expect(load.report().figures.acknowledged).toBeGreaterThan(acknowledged + 5), 10_000);
  const report = await load.end({ deadlineMs: 10_000 });
  expect(report.figures, formatReport(report)).toMatchObject({ acknowledged: report.figures.due, retries: 0 });
  expect(load.user("ann")).toMatchObject({ pods: [0, 1], moves: 1, splitTokens: 0 });
  expect(report.sockets, formatReport(report)).toMatchObject({
    gone: 0,
    behind: 0,
    changes: report.figures.due,
    lost: 0,
    duplicates: 0,
    outOfOrder: 0,
    declaredLost: 0,
  });
  row.saw(`the request ended, ${report.figures.due} changes told once each`);
});

faultRow(
  50,
  "a rolling restart of all pods under load fails no request, and none is tried twice",
  async (row) => {
    await using redis = await startRedis();
    await using apps = new SampleApps({ redisUrl: redis.url });
    row.supervisor(apps.supervisor);
    for (const podIndex of [0, 1, 2]) await apps.startRoom(podIndex); // in order, as a StatefulSet does it
    await Promise.all([apps.startGateway(0), apps.startGateway(1)]);
    const urls = apps.gateways.map(({ url = "" }) => url);
    await using load = await loadOf(urls, "rolled");
    await everybodyAsked(load, 0);
    const before = apps.rooms.map(({ pid }) => pid);
    const from = load.mark("rolling restart");
    await row.request(() => rollingRestart(apps, urls));
    const rolled = load.between(from);
    await everybodyAsked(load, load.report().figures.acknowledged);
    const report = await load.end({ deadlineMs: 15_000 });

    expect(apps.rooms.map(({ name }) => name)).toEqual(["room-0", "room-1", "room-2"]);
    expect(apps.rooms.filter(({ pid }) => before.includes(pid))).toEqual([]);
    expect(apps.unexpectedEnds).toEqual([]);
    const { due } = report.figures;
    expect(report.figures, formatReport(report)).toMatchObject({ acknowledged: due, shed: 0, retries: 0 });
    expect(report.users).toMatchObject({ count: users, unserved: 0, doubtful: 0, splitTokens: 0 });
    expect(report.sockets, formatReport(report)).toMatchObject({
      sockets: users,
      gone: 0,
      behind: 0,
      changes: due,
      lost: 0,
      duplicates: 0,
      outOfOrder: 0,
      declaredLost: 0,
      setBacks: 0,
    });
    expect(await countBreaches(load.users(), (uid) => countOf(urls[0] ?? "", uid))).toEqual([]);
    expect(report.users.byMoves.length - 1, "nobody moves more than twice").toBeLessThanOrEqual(2);
    row.saw(`${rolled.due} requests during it, none failed, none tried twice; nobody moved more than twice`);
  },
  { timeoutMs: 180_000 },
);
