import { afterAll, beforeAll, expect, it } from "vitest";
import { Cluster } from "./support/cluster.ts";
import { Listener } from "./support/listener.ts";
import { uidsOf, Users } from "./support/users.ts";

const uids = uidsOf(500, "live");
let cluster: Cluster;
let users: Users;
let listeners: Listener[] = [];

beforeAll(async () => {
  cluster = await Cluster.start({ pods: 3 });
  users = new Users(cluster.url());
  listeners = uids.map((uid) => new Listener(`ws://127.0.0.1:${cluster.gateways[0]?.port}/s/room/u/${uid}/live`));
  await Promise.all(listeners.map((listener) => listener.opened));
});
afterAll(async () => {
  for (const listener of listeners) listener.close();
  await users[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

it("500 WebSockets see every change of their room in order", async () => {
  await users.run(uids, 5000);
  expect(users.refused).toEqual([]);
  await cluster.until("every socket has its 10 changes", () =>
    listeners.every(({ sequences }) => sequences.length >= 10),
  );
  for (const { sequences } of listeners) expect(sequences).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

it("they see the changes made after a drain too: reconnected with the last sequence, none is missing and none comes twice", async () => {
  const stopped = cluster.room(0).stop();
  await users.run(uids, 2500, 16);
  await stopped;
  await users.run(uids, 500);
  expect(users.refused).toEqual([]);
  await cluster.until("every socket has its 16 changes", () =>
    listeners.every(({ sequences }) => sequences.length >= 16),
  );
  for (const { sequences } of listeners) expect(sequences).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
  expect(listeners.some(({ connections }) => connections > 1)).toBe(true);
});
