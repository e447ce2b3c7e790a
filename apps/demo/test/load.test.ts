import type { Load } from "@podlink/testkit/load";
import { countBreaches, formatReport, roomLoad, startLoad } from "@podlink/testkit/load";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Cluster } from "./support/cluster.ts";

/** How many users there are, and how much they do: little enough for a busy machine, or the plan outruns the service. */
const users = 100;
const ratePerSecond = 100;
const retry = { withinMs: 20_000 };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ pods: 3, gateways: 2 });
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const room = roomLoad();
const urls = (): string[] => [cluster.url(0), cluster.url(1)];
const startRooms = (prefix: string): Promise<Load> => {
  const uids = Array.from({ length: users }, (_, index) => `${prefix}-${index}`);
  return startLoad({ ...room, url: urls(), users: uids, ratePerSecond, retry, maxInFlight: 10_000 });
};

/** The counter of a user, as the service has it in the end. */
const countOf = async (uid: string): Promise<number> => {
  const response = await fetch(`${cluster.url()}/s/room/u/${uid}/state`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { count: number }).count;
};

it("a pod drains under load: every request is acknowledged, every counter is exact, every socket saw each change once", async () => {
  await using load = await startRooms("drained");
  await cluster.until("everybody has asked", () => Array.from(load.users()).length === users);
  load.mark("drain room-1");
  await cluster.room(1).stop();
  load.mark("drained");
  const asked = load.report().figures.due;
  await cluster.until("everybody has asked again", () => load.report().figures.due > asked + users);
  const report = await load.end({ deadlineMs: 20_000 });

  const { due } = report.figures;
  expect(report.figures, formatReport(report)).toMatchObject({
    due,
    acknowledged: due,
    failed: 0,
    unknown: 0,
    shed: 0,
  });
  expect(report.users).toMatchObject({ count: users, unserved: 0, doubtful: 0, splitTokens: 0 });
  expect(report.users.byMoves.length, "nobody moves more than once").toBe(2);
  expect(report.users.byMoves[1]).toBeGreaterThan(0);
  expect(await countBreaches(load.users(), countOf)).toEqual([]);
  for (const user of load.users()) expect(user.highestCount, user.uid).toBe(user.acknowledged);
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
    unreadable: 0,
  });
  expect(report.sockets?.closes, "those of the drained pod were asked to come back").toHaveProperty("1012");
}, 120_000);

it("a pod is dropped under load: its users wait and move, nobody's counter is wrong, no change is lost", async () => {
  await using load = await startRooms("dropped");
  await cluster.until("everybody has asked", () => Array.from(load.users()).length === users);
  const before = new Map(Array.from(load.users(), ({ uid, pods }) => [uid, pods.at(-1)]));
  const dropped = load.mark("drop room-2");
  await cluster.room(2).kill();
  cluster.rooms.delete(2);
  const theirs = Array.from(before).flatMap(([uid, pod]) => (pod === 2 ? [uid] : []));
  expect(theirs.length).toBeGreaterThan(0);
  await cluster.until(
    "its users are elsewhere",
    () => theirs.every((uid) => load.user(uid)?.pods.at(-1) !== 2),
    60_000,
  );
  const report = await load.end({ deadlineMs: 20_000 });

  const { due } = report.figures;
  expect(report.figures, formatReport(report)).toMatchObject({ due, acknowledged: due, failed: 0, shed: 0 });
  expect(load.between(dropped).retries).toBeGreaterThan(0);
  expect(report.users).toMatchObject({ unserved: 0, doubtful: 0, splitTokens: 0 });
  for (const uid of theirs) expect(load.user(uid), uid).toMatchObject({ pods: [2, 0], moves: 1 });
  expect(await countBreaches(load.users(), countOf)).toEqual([]);
  expect(report.sockets, formatReport(report)).toMatchObject({
    gone: 0,
    behind: 0,
    lost: 0,
    duplicates: 0,
    outOfOrder: 0,
    declaredLost: 0,
    setBacks: 0,
  });
}, 120_000);
