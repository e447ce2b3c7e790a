import { startRedis } from "@podlink/testkit/redis";
import { afterAll, expect, test } from "vitest";
import { podKeys } from "../../src/pods/service-keys.ts";
import { registration } from "./pod-report.ts";
import { connectTo, podsStore } from "./pods-store.ts";

const DAY_MS = 86_400_000;
const GOODBYES_A_DROP = 128;

const redis = await startRedis();
const connection = connectTo(redis);
afterAll(async () => {
  await connection.close();
  await redis.end();
});

test("a goodbye that is dropped leaves nothing in any key; at most 128 go at a time, the oldest first", async () => {
  let nowMs = Date.now() + 3_600_000;
  const store = podsStore({ connection, nowMs: () => nowMs });
  const [pods = "", beats = "", changes = ""] = podKeys(store.prefix, { namespace: "prod", service: "room" });
  const indexes = Array.from({ length: GOODBYES_A_DROP + 2 }, (_, podIndex) => podIndex);
  for (const podIndex of indexes.toReversed()) {
    const result = await store.register(registration({ podIndex }));
    const incarnation = result.registered ? result.incarnation : 0;
    nowMs += 1;
    await store.leave({ namespace: "prod", service: "room", podIndex, incarnation });
  }
  nowMs += DAY_MS;
  await store.register(registration({ podIndex: 1000 }));
  const left = [0, 1, 1000];
  expect(((await redis.cli("HKEYS", pods)) as string[]).map(Number).toSorted((a, b) => a - b)).toEqual(left);
  for (const key of [beats, changes]) {
    const members = (await redis.cli("ZRANGE", key, 0, -1)) as string[];
    expect(members.map(Number).toSorted((a, b) => a - b)).toEqual(left);
  }
});
