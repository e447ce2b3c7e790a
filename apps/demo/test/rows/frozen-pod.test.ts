import { faultRow } from "@podlink/faults";
import { startFaultProxy } from "@podlink/testkit";
import type { RedisServer } from "@podlink/testkit/redis";
import { startRedis } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { SampleApps } from "../support/sample-apps.ts";
import { processTimes as times } from "../support/times.ts";
import { increment, listed, read } from "./support/increment.ts";
import { RawRequest } from "./support/raw-request.ts";

const scriptsRun = async (redis: RedisServer): Promise<number> =>
  Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await redis.cli("INFO", "commandstats")))?.[1] ?? 0);

faultRow(
  41,
  "a pod wakes up fenced from a pause longer than its lease, the write it had under way is refused, its user is elsewhere",
  async (row) => {
    await using redis = await startRedis();
    await using kept = await startRedis();
    await using line = await startFaultProxy({ target: kept });
    await using apps = new SampleApps({ redisUrl: redis.url, sessionRedisUrl: kept.url });
    row.supervisor(apps.supervisor);
    const frozen = await apps.startRoom(0, { SESSION_REDIS_URL: line.url("redis") });
    const { url = "" } = await apps.startGateway(0);
    const first = await increment(url, "ann", "first");
    expect(first).toMatchObject({ pod: 0, count: 1 });
    await apps.startRoom(1);

    // One request is half read, and one write is on its way to the storage, when the pod stands still.
    const half = await RawRequest.open(frozen.url ?? "");
    const route = `pod=test/room/0.${first.incarnation}; hops=1; token=${first.token}`;
    half.write(`POST /u/ann/incr HTTP/1.1\r\nhost: pod\r\nconnection: close\r\npodlink-route: ${route}\r\n`);
    expect((await fetch(`${frozen.url}/health`)).status, "what came before it was read").toBe(200);
    const held = row.proxy(line).add({
      fault: "blackhole",
      direction: "toServer",
      bytes: (chunk) => chunk.includes("under-way"),
    });
    const underWay = row.request(() =>
      fetch(`${url}/s/room/u/ann/incr`, { method: "POST", headers: { "idempotency-key": "under-way" } }),
    );
    await held.whenFired();
    frozen.pause();
    const pausedAtMs = performance.now();
    const atWaking = row.request(() => {
      half.write("idempotency-key: at-waking\r\ncontent-length: 0\r\n\r\n");
      return half.answer();
    });

    // Loaded elsewhere, and not changed yet: all that stands between the late write and the storage is the fence.
    const second = await row.request(() => read(url, "ann"));
    const elsewhereMs = performance.now() - pausedAtMs;
    expect(second).toMatchObject({ pod: 1, count: 1 });
    expect(Number(second.token)).toBeGreaterThan(Number(first.token));
    expect(elsewhereMs).toBeGreaterThan(times.leaseMs - times.heartbeatIntervalMs);

    // The late write reaches the storage now, and changes nothing.
    const scripts = await scriptsRun(kept);
    held.end();
    await vi.waitFor(async () => expect(await scriptsRun(kept)).toBeGreaterThan(scripts), 10_000);
    expect(String(await kept.cli("HGET", "session:test/room/ann", "count"))).toBe("1");

    frozen.resume();
    const refused = await atWaking;
    expect(refused, "by the pod alone, before it asks anybody").toMatchObject({ status: 503 });
    expect(refused.text).toMatch(/^podlink-refused: fenced\r$/im);
    expect((await underWay).status).toBeGreaterThanOrEqual(500);

    // Then it registers again, asks the store, and points to where the user is.
    await vi.waitFor(
      async () => {
        const answer = await fetch(`${frozen.url}/u/ann/state`);
        expect(answer.status).toBe(421);
        expect(answer.headers.get("podlink-link")).toMatch(new RegExp(`^pod=1; token=${second.token}; kind=owned`));
      },
      { timeout: 10_000, interval: 20 },
    );
    await vi.waitFor(
      async () => {
        const again = (await listed(url)).find(({ podIndex }) => podIndex === 0);
        expect(again).toMatchObject({ serviceState: "Ready" });
        expect(again?.["incarnation"]).toBeGreaterThan(first.incarnation);
      },
      { timeout: 10_000, interval: 20 },
    );
    expect(await increment(url, "ann", "after")).toMatchObject({ pod: 1, count: 2, token: second.token });
    expect(apps.unexpectedEnds).toEqual([]);
    row.saw(`elsewhere after ${Math.round(elsewhereMs)} ms; late write and late request refused, count exact`);
  },
);
