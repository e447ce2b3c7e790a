import { startCluster, startRedis } from "@podlink/testkit/redis";
import { afterAll, describe, expect, test } from "vitest";
import { RouteError } from "@podlink/types";
import { podKeys } from "../../src/pods/service-keys.ts";
import { heartbeat, registration } from "./pod-report.ts";
import { connectTo, podsStore, randomPrefix } from "./pods-store.ts";

const kinds = { single: await startRedis(), cluster: await startCluster() };
afterAll(async () => void (await Promise.all([kinds.single.end(), kinds.cluster.end()])));

describe.each(["single", "cluster"] as const)("processes at the same time, %s", (kind) => {
  const prefix = randomPrefix();
  const stores = Array.from({ length: 3 }, () => podsStore({ connection: connectTo(kinds[kind]), prefix }));
  afterAll(async () => void (await Promise.all(stores.map((store) => store.close()))));

  test("of many registrations of one pod index exactly one wins, and the others hear of it", async () => {
    const [first] = stores;
    let expected: number | undefined;
    for (let round = 0; round < 20; round += 1) {
      const tries = Array.from({ length: 12 }, (_, index) =>
        stores[index % stores.length]!.register(
          registration({ life: `life-${round}-${index}`, ...(expected === undefined ? {} : { expected }) }),
        ),
      );
      const results = await Promise.all(tries);
      const winners = results.filter((result) => result.registered);
      expect(winners).toHaveLength(1);
      const incarnation = winners[0]?.incarnation;
      const losers = results.filter((result) => !result.registered);
      expect(losers).toEqual(losers.map(() => ({ registered: false, found: incarnation })));
      const { rows, sequence } = await first!.readPods("prod", "room");
      expect(rows).toMatchObject([
        { incarnation, life: `life-${round}-${results.findIndex((one) => one.registered)}` },
      ]);
      expect(sequence).toBe(round + 1);
      expected = incarnation;
    }
  });

  test("the generation of a service is that of the one who came first", async () => {
    const tries = stores.flatMap((store, process) =>
      Array.from({ length: 10 }, (_, index) =>
        store.register(
          registration({ service: "game", podIndex: 10 * process + index, generation: `g-${process}-${index}` }),
        ),
      ),
    );
    const generations = (await Promise.all(tries)).map((result) => result.registered && result.generation);
    expect(new Set(generations).size).toBe(1);
    expect(await stores[0]!.readPods("prod", "game")).toMatchObject({ generation: generations[0], sequence: 30 });
  });

  test("fault 14: writers of many tags, on several connections, lose nothing", async () => {
    const tags = Array.from({ length: 300 }, (_, index) => `tag-${index}`);
    await Promise.all(
      tags.flatMap((tag, index) => [
        stores[index % 3]!.setServiceTag("prod", tag, `room-${index}`),
        stores[(index + 1) % 3]!.setServiceTag("prod", "shared", `room-${index}`),
      ]),
    );
    const services = await Promise.all(tags.map((tag) => stores[2]!.serviceByTag("prod", tag)));
    expect(services).toEqual(tags.map((_, index) => `room-${index}`));
    expect(await stores[0]!.serviceByTag("prod", "shared")).toMatch(/^room-\d+$/);
  });
});

test("a slot that is moved while its pods report: calls that fail did nothing, and all goes on at the new node", async () => {
  const { cluster } = kinds;
  const store = podsStore({ connection: connectTo(cluster) });
  const registered = await store.register(registration());
  const incarnation = registered.registered ? registered.incarnation : 0;
  const [key = ""] = podKeys(store.prefix, { namespace: "prod", service: "room" });
  const from = await cluster.nodeOf(key);
  const to = cluster.nodes.find((node) => node !== from)!;
  const codes = new Set<string>();
  let reportNumber = 0;
  let isMoving = true;
  const reporting = (async () => {
    while (isMoving || reportNumber < 100) {
      reportNumber += 1;
      const answer = store.report(heartbeat(incarnation, { reportNumber }));
      const outcome = await answer.catch((error: unknown) => error as RouteError);
      if (!(outcome instanceof RouteError)) expect(outcome).toMatchObject({ accepted: true });
      else codes.add(`${outcome.code} ${outcome.outcome}`);
    }
  })();
  await cluster.moveSlot(await cluster.slotOf(key), to);
  isMoving = false;
  await reporting;
  expect([...codes].filter((code) => code !== "STORE_UNAVAILABLE not-applied")).toEqual([]);
  expect((await store.readPods("prod", "room")).rows).toMatchObject([{ incarnation, reportNumber }]);
  expect(await cluster.nodeOf(key)).toBe(to);
  await store.close();
});
