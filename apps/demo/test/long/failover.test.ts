import { Lateness } from "@podlink/testkit";
import { formatReport, roomLoad, startLoad } from "@podlink/testkit/load";
import { startRedis } from "@podlink/testkit/redis";
import { expect, it } from "vitest";
import { SampleApps } from "../support/sample-apps.ts";
import { processTimes as times } from "../support/times.ts";
import { Users, uidsOf } from "../support/users.ts";

/** So many users of the dead pod each gateway has: more would be paced. */
const USERS_A_GATEWAY = 20;
const BOUND_MS = times.leaseMs + times.graceMs + 250;
/** How long a user waits before the next try, by chance in between: it is in what is measured. */
const [LEAST_PAUSE_MS, LONGEST_PAUSE_MS] = [50, 100];

// How long the others wait meanwhile is the figure `failover` of the bench: this process also asks for those who wait.
it("the users of a pod that is killed are served again within lease + grace + 250 ms, and no request of the others fails", async () => {
  await using redis = await startRedis();
  await using apps = await SampleApps.start({ pods: 3, gateways: 2 }, { redisUrl: redis.url });
  const urls = apps.gateways.map(({ url = "" }) => url);
  const sides = urls.map((url) => new Users(url, USERS_A_GATEWAY));
  const podOf = new Map<string, number>();
  for (const uid of uidsOf(240)) podOf.set(uid, (await sides[0]?.increment(uid, "first"))?.pod ?? -1);
  const victim = 1;
  const theirs = [...podOf].filter(([, pod]) => pod === victim).map(([uid]) => uid);
  const others = [...podOf].filter(([, pod]) => pod !== victim).map(([uid]) => uid);
  expect(theirs.length).toBeGreaterThanOrEqual(2 * USERS_A_GATEWAY);

  const { request, read } = roomLoad();
  await using load = await startLoad({ url: urls, users: others, ratePerSecond: 50, request, read, timeoutMs: 10_000 });
  using lateness = new Lateness();
  const killedAtMs = performance.now();
  await apps.room(victim).kill(); // it is gone then: none of its last answers is taken for a next one
  const served = theirs.slice(0, 2 * USERS_A_GATEWAY).map(async (uid, index) => {
    const users = sides[index % sides.length] as Users;
    for (;;) {
      const answer = await users.increment(uid, "after").catch(() => undefined);
      if (answer !== undefined) return performance.now() - killedAtMs;
      const pauseMs = LEAST_PAUSE_MS + Math.random() * (LONGEST_PAUSE_MS - LEAST_PAUSE_MS);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  });
  const afterMs = await Promise.all(served);
  const lateMs = lateness.totalMs;
  const report = await load.end({ deadlineMs: 10_000 });
  const latestMs = Math.max(...afterMs);
  process.stdout.write(
    `failover: ${afterMs.length} users served again after ${Math.round(Math.min(...afterMs))} to ${Math.round(latestMs)} ms, ` +
      `at most ${BOUND_MS}; the machine was late by ${Math.round(lateMs)} ms\n`,
  );
  expect(latestMs).toBeLessThanOrEqual(BOUND_MS + lateMs);
  expect(report.figures, formatReport(report)).toMatchObject({ acknowledged: report.figures.due, shed: 0 });
  await Promise.all(sides.map((side) => side[Symbol.asyncDispose]()));
}, 180_000);
