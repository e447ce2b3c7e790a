import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HEARTBEAT_MS, LEASE_MS, makeWorld } from "./world.ts";

/** What may happen, each followed by some time. */
const step = fc.record({
  kind: fc.constantFrom("silence", "speak", "clock", "cut", "hang", "heal", "ask", "nothing"),
  pod: fc.nat(3),
  wallMs: fc.integer({ min: -7_200_000, max: 7_200_000 }),
  thenMs: fc.integer({ min: 1, max: 9000 }),
});

/** A reading every 2 s that may take 500 ms, and the coarse clock's step. */
const SEEN_WITHIN_MS = 2000 + 500 + 100;

describe("whatever happens to pods, the store's clock and the line", () => {
  it("who reports is never taken for dead; who is silent is not alive when lease and freeze are over", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const world = makeWorld();
        const pods = [];
        for (let podIndex = 0; podIndex < 4; podIndex += 1) pods.push(await world.pod(podIndex));
        const silentSinceMs: (number | undefined)[] = pods.map(() => undefined);
        const cache = world.cache();
        await cache.init();
        let failedAtMs = Number.NEGATIVE_INFINITY;
        let failing = false;
        const mayBeDead = pods.map(() => false);
        const spokeAtMs = pods.map(() => Number.NEGATIVE_INFINITY);
        for (const { kind, pod, wallMs, thenMs } of steps) {
          if (kind === "silence" && silentSinceMs[pod] === undefined) {
            pods[pod]?.fallSilent();
            silentSinceMs[pod] = world.clock.nowMs();
          } else if (kind === "speak" && silentSinceMs[pod] !== undefined) {
            pods[pod]?.speak();
            // Its last report was up to a heartbeat before, its next is one later: was that within a lease?
            mayBeDead[pod] ||= world.clock.nowMs() - silentSinceMs[pod] + 2 * HEARTBEAT_MS >= LEASE_MS;
            silentSinceMs[pod] = undefined;
            spokeAtMs[pod] = world.clock.nowMs();
          } else if (kind === "clock") world.clock.jumpWall(wallMs);
          else if (kind === "cut" || kind === "hang") {
            world.line[kind]();
            failing = true;
          } else if (kind === "heal") {
            world.line.heal();
            failing = false;
          } else if (kind === "ask") cache.refresh().catch(() => undefined);
          for (let leftMs = thenMs; leftMs > 0; leftMs -= 500) {
            if (failing) failedAtMs = world.clock.nowMs();
            await world.clock.advance(Math.min(500, leftMs));
            const nowMs = world.clock.nowMs();
            for (const [podIndex, sinceMs] of silentSinceMs.entries()) {
              const available = cache.isAvailable(podIndex);
              expect(cache.pod(podIndex)?.available).toBe(available);
              const calmMs = nowMs - failedAtMs - SEEN_WITHIN_MS;
              if (sinceMs === undefined) {
                // One that was dead is seen again with its next report.
                if (!available) expect(mayBeDead[podIndex]).toBe(true);
                else if (nowMs > spokeAtMs[podIndex]! + HEARTBEAT_MS) mayBeDead[podIndex] = false;
              } else if (calmMs > LEASE_MS && nowMs - sinceMs > LEASE_MS + SEEN_WITHIN_MS + 4500) {
                expect(available).toBe(false);
              }
            }
          }
        }
        world.line.heal();
        for (const [podIndex, sinceMs] of silentSinceMs.entries()) if (sinceMs !== undefined) pods[podIndex]?.speak();
        await world.clock.advance(HEARTBEAT_MS + 2 * SEEN_WITHIN_MS);
        expect(cache.alivePods()).toEqual([0, 1, 2, 3]);
        world.close();
      }),
      { numRuns: 60, seed: 20_240_101 },
    );
  });
});
