import type { Sockets } from "@podlink/testkit/load";
import { roomLoad, startSockets } from "@podlink/testkit/load";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Cluster } from "./support/cluster.ts";
import { uidsOf, Users } from "./support/users.ts";

const uids = uidsOf(500, "live");
let cluster: Cluster;
let users: Users;
let sockets: Sockets;

beforeAll(async () => {
  cluster = await Cluster.start({ pods: 3 });
  users = new Users(cluster.url());
  sockets = startSockets({ ...roomLoad().sockets, url: cluster.url(), users: uids });
  await sockets.opened;
});
afterAll(async () => {
  await sockets.end();
  await users[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

/** Waits until every socket has seen so many changes, and holds it to exactly these, each once and in order. */
async function seen(changes: number): Promise<void> {
  await sockets.seen(() => changes, AbortSignal.timeout(40_000));
  expect(sockets.last()).toEqual(uids.map(() => changes));
  const faultless = { lost: 0, duplicates: 0, outOfOrder: 0, declaredLost: 0, setBacks: 0, unreadable: 0 };
  expect(sockets.report()).toMatchObject({ ...faultless, changes: changes * uids.length });
}

it("500 WebSockets see every change of their room in order", async () => {
  await users.run(uids, 5000);
  expect(users.refused).toEqual([]);
  await seen(10);
});

it("they see the changes made after a drain too: reconnected with the last sequence, none is missing and none comes twice", async () => {
  const stopped = cluster.room(0).stop();
  await users.run(uids, 2500, 16);
  await stopped;
  await users.run(uids, 500);
  expect(users.refused).toEqual([]);
  await seen(16);
  expect(sockets.report().connections).toBeGreaterThan(uids.length);
});
