import { startRedis } from "@podlink/testkit/redis";
import { afterAll, expect, test } from "vitest";
import { heartbeat, podReport, registration } from "./pod-report.ts";
import { connectTo, podsStore } from "./pods-store.ts";

const redis = await startRedis();
const store = podsStore({ connection: connectTo(redis) });
afterAll(async () => {
  await store.close();
  await redis.end();
});

test("pods of services with one name in two namespaces, and of two services in one, report each to its own", async () => {
  const services = [
    { namespace: "prod", service: "room" },
    { namespace: "test", service: "room" },
    { namespace: "test", service: "hall" },
  ];
  const incarnations: number[] = [];
  for (const name of services) {
    const result = await store.register(registration(name));
    incarnations.push(result.registered ? result.incarnation : 0);
  }
  for (const [index, name] of services.entries()) {
    const report = podReport({ loadState: index + 1 });
    const answer = await store.report(heartbeat(incarnations[index]!, { ...name, report }));
    expect(answer).toMatchObject({ accepted: true });
  }
  const readings = await Promise.all(services.map(({ namespace, service }) => store.readPods(namespace, service)));
  expect(readings.map(({ rows }) => rows.map(({ loadState }) => loadState))).toEqual([[1], [2], [3]]);
});
