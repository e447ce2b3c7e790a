import { startRedis } from "@podlink/testkit/redis";
import { afterAll, expect, test } from "vitest";
import { podKeys } from "../../src/pods/service-keys.ts";
import { heartbeat, podReport, registration } from "./pod-report.ts";
import { connectTo, podsStore, randomPrefix } from "./pods-store.ts";

const redis = await startRedis();
const connection = connectTo(redis);
afterAll(async () => {
  await connection.close();
  await redis.end();
});

async function givenPod() {
  const store = podsStore({ connection, prefix: randomPrefix() });
  const result = await store.register(registration());
  const keys = podKeys(store.prefix, { namespace: "prod", service: "room" });
  return { store, keys, incarnation: result.registered ? result.incarnation : 0 };
}

test("a change that is reported after the service's numbers were lost takes the first one", async () => {
  const { store, keys, incarnation } = await givenPod();
  await redis.cli("DEL", keys[3]!);
  const report = podReport({ routingState: "DenyNewCall" });
  expect(await store.report(heartbeat(incarnation, { report }))).toEqual({ accepted: true, writesWorkload: true });
  expect(await redis.cli("HMGET", keys[3]!, "sequence", "published")).toEqual(["1", "1"]);
  expect((await store.readPods("prod", "room")).rows).toMatchObject([{ sequence: 1, routingState: "DenyNewCall" }]);
});

test("a report that says goodbye by itself counts as one: never as silent", async () => {
  const { store, keys, incarnation } = await givenPod();
  expect(Number(await redis.cli("ZSCORE", keys[1]!, "0"))).toBeLessThan(0);
  const report = podReport({ serviceState: "Terminating", routingState: "Shutdown" });
  expect(await store.report(heartbeat(incarnation, { report }))).toMatchObject({ accepted: true });
  expect(Number(await redis.cli("ZSCORE", keys[1]!, "0"))).toBeGreaterThan(0);
  expect(await store.report(heartbeat(incarnation, { reportNumber: 2 }))).toMatchObject({ reason: "superseded" });
});
