import { watchInvariants } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RedisSessionStore } from "@podlink/stateful-server";

let redis: RedisServer;
let store: RedisSessionStore;
beforeAll(async () => {
  redis = await startRedis();
  store = new RedisSessionStore({ url: redis.url, namespace: "test", service: "room" });
});
afterAll(async () => {
  await store.close();
  await redis.end();
});

/** Owners that come one after another, and then all write as if each were still the owner. */
const owners = fc.integer({ min: 2, max: 4 });
const writers = fc.array(fc.nat({ max: 3 }), { minLength: 4, maxLength: 12 });

test("no write is taken out of the order of its fence, whoever of all owners writes when", async () => {
  let runs = 0;
  let taken = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(owners, writers, async (count, turns) => {
      const uid = `u${(runs += 1)}`;
      const watch = watchInvariants();
      const watched = watch.sessionStore(store);
      const fences = Array.from({ length: count }, (_, index) => ({ token: `${10 + index}`, holder: `${index}.1` }));
      for (const fence of fences) await watched.loadAndRaise(uid, fence);
      let sequence = 0;
      for (const turn of turns) {
        const fence = fences[turn % count];
        if (fence === undefined) continue;
        const change = { sequence: sequence + 1, kind: "incr", count: sequence + 1 } as const;
        const answer = await watched.write(uid, fence, { change });
        if (answer === "written") {
          sequence += 1;
          taken += 1;
        } else refused += 1;
      }
      await watch.close();
      watch.check({ atLeast: { "fenced-writes": count } });
    }),
    { numRuns: 50, seed: 20_261_124 },
  );
  expect(taken).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(20);
}, 60_000);
