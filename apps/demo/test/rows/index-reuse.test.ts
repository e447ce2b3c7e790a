import { faultRow } from "@podlink/faults";
import { startRedis } from "@podlink/testkit/redis";
import { expect } from "vitest";
import { SampleApps } from "../support/sample-apps.ts";
import { processTimes as times } from "../support/times.ts";
import { uidsOf } from "../support/users.ts";
import type { Incremented } from "./support/increment.ts";
import { increment } from "./support/increment.ts";
import { whenKnown } from "./support/rolling-restart.ts";

/** One increment of each. */
async function askAll(gateway: string, uids: readonly string[], key: string): Promise<Map<string, Incremented>> {
  return new Map(await Promise.all(uids.map(async (uid) => [uid, await increment(gateway, uid, key)] as const)));
}

faultRow(48, "scaled from 3 to 2 to 3, the new pod inherits none of those that were moved", async (row) => {
  await using redis = await startRedis();
  await using apps = await SampleApps.start({ pods: 3, gateways: 1 }, { redisUrl: redis.url });
  row.supervisor(apps.supervisor);
  const url = apps.gateways[0]?.url ?? "";
  const uids = uidsOf(18);
  const before = await askAll(url, uids, "before");
  const theirs = uids.filter((uid) => before.get(uid)?.pod === 2);
  expect(theirs.length).toBeGreaterThan(0);

  await apps.scaleTo(2);
  const down = await row.request(() => askAll(url, uids, "scaled-down"));
  for (const uid of theirs) expect(down.get(uid)?.pod, uid).not.toBe(2);
  await apps.scaleTo(3);
  await whenKnown(apps.room(2), [url]);
  const up = await row.request(() => askAll(url, uids, "scaled-up"));
  for (const uid of uids) {
    const { pod, token, incarnation } = down.get(uid) as Incremented;
    expect(up.get(uid), uid).toMatchObject({ pod, token, incarnation, count: 3 });
  }
  row.saw(`${theirs.length} moved away and stayed`);
});

faultRow(
  48,
  "links of a pod that was killed pass to the index's next life by a claim each, with a new token",
  async (row) => {
    await using redis = await startRedis();
    await using apps = await SampleApps.start({ pods: 2, gateways: 1 }, { redisUrl: redis.url });
    row.supervisor(apps.supervisor);
    const url = apps.gateways[0]?.url ?? "";
    const uids = uidsOf(20);
    const before = await askAll(url, uids, "before");
    const theirs = uids.filter((uid) => before.get(uid)?.pod === 1);
    expect(theirs.length).toBeGreaterThan(0);

    const room = apps.room(1);
    await room.kill();
    await room.restart();
    await whenKnown(room, [url]); // nobody asks before: nobody is moved
    const after = await row.request(() => askAll(url, uids, "after"));
    const lives = new Set(theirs.map((uid) => after.get(uid)?.incarnation));
    expect(lives.size, "one life has them all").toBe(1);
    for (const uid of theirs) {
      const old = before.get(uid) as Incremented;
      const now = after.get(uid) as Incremented;
      expect(now, uid).toMatchObject({ pod: 1, count: 2 });
      expect(now.incarnation, uid).toBeGreaterThan(old.incarnation);
      expect(Number(now.token), uid).toBeGreaterThan(Number(old.token));
    }
    for (const uid of uids.filter((other) => !theirs.includes(other))) {
      const { pod, token } = before.get(uid) as Incremented;
      expect(after.get(uid), uid).toMatchObject({ pod, token, count: 2 });
    }
    row.saw(`${theirs.length} inherited, each with a new token`);
  },
);

faultRow(
  48,
  "a stranger at the address of a pod that is gone answers not-me, and serves none of its users",
  async (row) => {
    await using redis = await startRedis();
    await using apps = await SampleApps.start({ pods: 2, gateways: 1 }, { redisUrl: redis.url });
    row.supervisor(apps.supervisor);
    const url = apps.gateways[0]?.url ?? "";
    const uids = uidsOf(12);
    const before = await askAll(url, uids, "before");
    const theirs = uids.filter((uid) => before.get(uid)?.pod === 1);
    const [uid = ""] = theirs;
    const { incarnation, token } = before.get(uid) as Incremented;

    const gone = apps.room(1);
    const { port } = new URL(gone.url ?? "");
    await gone.kill();
    const goneAtMs = performance.now();
    const stranger = await apps.supervisor.start({
      name: "stranger",
      node: {
        script: new URL("../../../stateful-server/src/main.ts", import.meta.url),
        execArgv: ["--import", "tsx", "-C", "@podlink/source"],
      },
      env: { PORT: port, HOST: "127.0.0.1", NAMESPACE: "test", SERVICE: "lobby", POD_INDEX: "1", REDIS_URL: redis.url },
      ready: "message",
    });
    expect(new URL(stranger.url ?? "").port).toBe(port);
    const headers = { "podlink-route": `pod=test/room/1.${incarnation}; hops=1; token=${token}` };
    const asked = await row.request(() => fetch(`${stranger.url}/u/${uid}/state`, { headers }));
    expect(asked.status).toBe(421);
    expect(asked.headers.get("podlink-refused")).toBe("not-me");
    expect(asked.headers.get("podlink-link")).toBeNull();

    // The gateway knows that address until the lease is over, and sends there. Nobody is served by the stranger.
    const early = await row.request(() => fetch(`${url}/s/room/u/${uid}/state`));
    expect(performance.now() - goneAtMs, "within the lease").toBeLessThan(times.leaseMs);
    expect(early.status).toBe(503);
    const after = await row.request(() => askAll(url, theirs, "after"));
    for (const their of theirs) expect(after.get(their), their).toMatchObject({ pod: 0, count: 2 });
    const sessions = (await redis.cli("KEYS", "session*")) as string[];
    expect(sessions.length).toBe(uids.length);
    expect(sessions.filter((key) => key.includes("lobby"))).toEqual([]);
    expect(stranger.state).toBe("ready");
    row.saw(`421 not-me; ${theirs.length} users served by another pod after failover`);
  },
);
