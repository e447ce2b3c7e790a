import { watchInvariants } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import { expect, test } from "vitest";
import { RedisExecutor } from "../../src/index.ts";

const claim = {
  kind: "setIfAbsent",
  namespace: "prod",
  service: "room",
  uid: "ann",
  lifetime: "persistent",
} as const;

test("tokens go on growing when Redis has lost everything and nobody remembers the old ones", async () => {
  await using redis = await startRedis();
  const watch = watchInvariants();
  // Each process sees Redis for the first time, as after a deployment in the middle of a failover.
  for (let incarnation = 1; incarnation <= 3; incarnation += 1) {
    await using executor = new RedisExecutor({ url: redis.url });
    const store = watch.store(executor);
    const answer = await store.execute({ ...claim, owner: { podIndex: 0, incarnation } }, { timeoutMs: 10_000 });
    expect(answer).toMatchObject({ created: true });
    await redis.restart({ empty: true });
  }
  await watch.close();
  watch.check({ atLeast: { tokens: 3 } });
});
