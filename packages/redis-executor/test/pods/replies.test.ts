import { startRedis } from "@podlink/testkit/redis";
import { expect, test } from "vitest";
import { heartbeat, registration } from "./pod-report.ts";
import { connectTo, podsStore } from "./pods-store.ts";
import { withRun } from "./with-run.ts";

test("a reply has all its parts, empty where there is nothing to say", async () => {
  await using redis = await startRedis();
  const replies: unknown[] = [];
  const connection = connectTo(redis);
  const store = podsStore({
    nowMs: () => 1_700_000_000_000,
    connection: withRun(connection, async (call) => {
      const reply = await call();
      replies.push(reply);
      return reply;
    }),
  });
  await store.register(registration({ expected: 5 }));
  await store.report(heartbeat(5));
  await store.leave({ namespace: "prod", service: "room", podIndex: 0, incarnation: 5 });
  await store.readPods("prod", "room");
  for (const podIndex of [0, 1]) {
    const result = await store.register(registration({ podIndex }));
    await store.report(heartbeat(result.registered ? result.incarnation : 0, { podIndex }));
  }
  await connection.close();
  expect(replies).toEqual([
    ["found", ""],
    ["gone", ""],
    ["not-left"],
    ["all", "last", "1700000000000", "", "0", "0", "0", [], []],
    ["registered", "1700000000000", "0", "generation"],
    ["accepted", "generation", "1"],
    ["registered", "1700000000000", "0", "generation"],
    ["accepted", "generation", "0"],
  ]);
});
