import { faultRow } from "@podlink/faults";
import { countBreaches, formatReport, roomLoad, startLoad } from "@podlink/testkit/load";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { SampleApps } from "../support/sample-apps.ts";
import { countOf } from "./support/increment.ts";

const users = 40;
const askers = 8;
const asked = 4000;
/** What goes through all keys, or all of a big one. */
const SCANS = ["keys", "scan", "hscan", "sscan", "zscan", "randomkey"];

/** How often each command was called since the server's start. */
async function callsOf(redis: RedisServer): Promise<Map<string, number>> {
  const stats = String(await redis.cli("INFO", "commandstats"));
  return new Map(Array.from(stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm), ([, name = "", n]) => [name, Number(n)]));
}

faultRow(
  67,
  "listings and health are asked for without end: requests don't notice, Redis isn't asked for them",
  async (row) => {
    await using redis = await startRedis();
    await using kept = await startRedis();
    await using apps = await SampleApps.start(
      { pods: 2, gateways: 1 },
      { redisUrl: redis.url, sessionRedisUrl: kept.url },
    );
    const url = apps.gateways[0]?.url ?? "";
    const targets = [
      `${url}/s/room/pods`,
      `${url}/health`,
      ...apps.rooms.flatMap((room) => [`${room.url}/health`, `${room.url}/ready`]),
    ];
    const hammer = async (): Promise<number> => {
      let left = asked;
      const statuses = new Set<number>();
      const asker = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          const response = await fetch(targets[left % targets.length] as string);
          await response.arrayBuffer();
          statuses.add(response.status);
        }
      };
      const fromMs = performance.now();
      await Promise.all(Array.from({ length: askers }, asker));
      expect(statuses).toEqual(new Set([200]));
      return performance.now() - fromMs;
    };

    await using load = await startLoad({ ...roomLoad(), url, users, ratePerSecond: 40, timeoutMs: 10_000 });
    await vi.waitFor(() => expect(load.report().figures.acknowledged).toBeGreaterThan(users), 10_000);
    const during = load.mark("hammered");
    const tookMs = await row.inject("process", `${asked} listings and health checks, ${askers} at a time`, () =>
      row.request(hammer),
    );
    expect(load.between(during).due).toBeGreaterThan(0);
    const report = await load.end({ deadlineMs: 10_000 });
    const { due } = report.figures;
    expect(report.figures, formatReport(report)).toMatchObject({ acknowledged: due, shed: 0, retries: 0 });
    expect(report.users.byMoves, "nobody moved").toEqual([users]);
    expect(report.users).toMatchObject({ unserved: 0, splitTokens: 0 });
    expect(report.sockets, formatReport(report)).toMatchObject({ gone: 0, lost: 0, duplicates: 0, closes: {} });
    expect(await countBreaches(load.users(), (uid) => countOf(url, uid))).toEqual([]);

    // Without the load: as many commands in this time as in the same time without them, not one for each listing.
    const before = await callsOf(redis);
    await row.inject("process", `${asked} more, and nothing else`, hammer);
    const after = await callsOf(redis);
    const scripts = (after.get("evalsha") ?? 0) - (before.get("evalsha") ?? 0);
    expect(scripts, "heartbeats and readings of the pods go on, at their own pace").toBeLessThan(asked / 4);
    for (const [name, calls] of [...after, ...(await callsOf(kept))]) {
      expect(SCANS, `${name}: ${calls} calls`).not.toContain(name);
    }
    row.saw(
      `${asked} in ${Math.round(tookMs)} ms beside ${due} requests, all good; no KEYS, no SCAN; ${scripts} scripts in all`,
    );
  },
);
