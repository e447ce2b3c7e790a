import { readFileSync } from "node:fs";
import { faultRow } from "@podlink/faults";
import type { SupervisedApp } from "@podlink/testkit";
import { Lateness } from "@podlink/testkit";
import { startRedis } from "@podlink/testkit/redis";
import { expect, vi } from "vitest";
import { SampleApps } from "../support/sample-apps.ts";
import { uidsOf } from "../support/users.ts";
import { increment } from "./support/increment.ts";

/** Within this time of Redis' start the processes are connected. */
const CONNECTED_MS = 2000;
/** Of V8; a process that keeps something of each request that it refuses doesn't get far with it. */
const HEAP_MB = 128;
const MAX_GROWTH_MB = 64;

/** What a process has in memory, in MB. */
const residentMb = ({ pid }: SupervisedApp): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

const statusOf = async (url: string): Promise<number> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  await response.arrayBuffer();
  return response.status;
};

interface Store {
  readonly healthy: boolean;
}

faultRow(
  1,
  "gateway and pod start without Redis, say that they aren't ready, and connect when it is there",
  async (row) => {
    await using redis = await startRedis();
    const server = row.server(redis);
    await server.kill9();
    await using apps = new SampleApps({
      redisUrl: redis.url,
      env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` },
    });
    const [room, gateway] = await Promise.all([apps.startRoom(0), apps.startGateway(0)]);
    const { url = "" } = gateway;
    expect(await row.request(() => statusOf(`${room.url}/health`)), "it lives").toBe(200);
    expect(await row.request(() => statusOf(`${room.url}/ready`))).toBe(503);
    expect(await row.request(() => statusOf(`${url}/health`))).toBe(503);

    // Many requests of many users, and what is kept of them is bounded.
    const ask = async (from: number): Promise<void> => {
      for (let turn = from; turn < from + 10; turn += 1) {
        const uids = uidsOf(50, `user-${turn}`);
        const both = uids.flatMap((uid) => [`${url}/s/room/u/${uid}/state`, `${room.url}/u/${uid}/state`]);
        for (const status of await row.request(() => Promise.all(both.map(statusOf)))) {
          expect([503, 504]).toContain(status);
        }
      }
    };
    await ask(0);
    const before = [room, gateway].map(residentMb);
    await ask(100);
    const growthMb = Math.max(...[room, gateway].map((app, index) => residentMb(app) - (before[index] ?? 0)));
    expect(growthMb).toBeLessThan(MAX_GROWTH_MB);
    expect([room.state, gateway.state, apps.unexpectedEnds]).toEqual(["ready", "ready", []]);

    using lateness = new Lateness();
    await server.restart();
    const upAtMs = performance.now();
    const connected = async (): Promise<void> => {
      const pod = (await (await fetch(`${room.url}/ready`)).json()) as { store: Store };
      const { reason = "" } = (await (await fetch(`${url}/health`)).json()) as { reason?: string };
      expect([pod.store.healthy, reason]).toEqual([true, expect.not.stringContaining("store")]);
    };
    await vi.waitFor(connected, { timeout: 20_000, interval: 10 });
    const afterMs = performance.now() - upAtMs;
    expect(afterMs).toBeLessThanOrEqual(CONNECTED_MS + lateness.totalMs);
    await vi.waitFor(
      async () => {
        expect(await statusOf(`${room.url}/ready`)).toBe(200);
        expect(await statusOf(`${url}/health`)).toBe(200);
      },
      { timeout: 20_000, interval: 20 },
    );
    expect(await row.request(() => increment(url, "ann", "first"))).toMatchObject({ pod: 0, count: 1 });
    expect([room.starts, gateway.starts]).toEqual([1, 1]);
    row.saw(
      `connected ${Math.round(afterMs)} ms after Redis; 2,000 requests refused before, memory + ${Math.round(growthMb)} MB`,
    );
  },
);
