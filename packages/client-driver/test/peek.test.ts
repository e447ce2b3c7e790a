import { propertyRuns } from "@podlink/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { World } from "./support/world.ts";
import { GRACE_MS, LEASE_MS, NAMESPACE, rejection, SERVICE, world } from "./support/world.ts";

/** Caches a link as somebody else's answer would. */
function cacheLink({ driver }: World, uid: string, podIndex: number): void {
  driver.setCache({ namespace: NAMESPACE, service: SERVICE, uid, podIndex, token: "1", kind: "reservation" });
}

/** The same by the long way: what is cached, and what is known of its pod. Serves nobody, so nothing is counted. */
function peekedSlowly({ driver, routes, rooms, clock }: World, uid: string, staleMs: number): number | undefined {
  const link = driver.getLinkedInCache({ service: SERVICE, uid });
  if (link === undefined || rooms.pods().every(({ row, available }) => row.podIndex !== link.podIndex || !available)) {
    return undefined;
  }
  const { readingsFail, lastReadingBegunAtMs = Number.NEGATIVE_INFINITY } = routes.service(SERVICE).cache;
  return readingsFail && clock.nowMs() - lastReadingBegunAtMs > staleMs ? undefined : link.podIndex;
}

describe("a peek", () => {
  test("answers while the pod is available, by what it says at the moment", async () => {
    const here = await world(2);
    cacheLink(here, "alice", 0);
    const seen = [here.rooms.peek("alice")];
    for (const serviceState of ["NotReady", "Ready", "Failed"] as const) {
      await here.pods[0]?.say({ serviceState });
      await here.clock.advance(0);
      seen.push(here.rooms.peek("alice"));
    }
    expect(seen).toEqual([0, undefined, 0, undefined]);
  });

  test("answers nothing for a pod that nobody knows, until it is there", async () => {
    const here = await world(1);
    cacheLink(here, "alice", 500);
    expect(here.rooms.peek("alice")).toBeUndefined();
    await here.pod(500);
    await here.clock.advance(0);
    expect(here.rooms.peek("alice")).toBe(500);
    await here.pods[1]?.leave();
    await here.clock.advance(0);
    expect(here.rooms.peek("alice")).toBeUndefined();
  });

  test("is counted as stale while readings fail, as nothing before and after", async () => {
    const here = await world(2);
    cacheLink(here, "alice", 1);
    const staleServed = (): number => here.driver.read()["staleServed"] as number;
    expect([here.rooms.peek("alice"), staleServed()]).toEqual([1, 0]);
    here.line.cut();
    await here.clock.advance(300);
    expect([here.rooms.peek("alice"), staleServed()]).toEqual([1, 1]);
    here.line.heal();
    await here.clock.advance(2000);
    expect([here.rooms.peek("alice"), staleServed()]).toEqual([1, 1]);
  });

  test("answers for a pod that is silent until its lease is over", async () => {
    const here = await world(2);
    cacheLink(here, "alice", 1);
    here.pods[1]?.crash();
    await here.clock.advance(LEASE_MS / 2);
    expect(here.rooms.peek("alice")).toBe(1);
    await here.clock.advance(LEASE_MS);
    expect(here.rooms.peek("alice")).toBeUndefined();
  });

  test("answers without a state cache too, for as long as a reading is good", async () => {
    const here = await world(1, { routes: { stateCache: false } });
    cacheLink(here, "alice", 0);
    await here.rooms.init();
    expect(here.rooms.peek("alice")).toBe(0);
    await here.clock.advance(200);
    expect(here.rooms.peek("alice")).toBeUndefined();
  });

  test("answers by a handle that was kept while its service was forgotten and found again", async () => {
    const here = await world(0, { settled: false });
    await rejection(here.rooms.resolve("alice"), "SERVICE_NOT_FOUND");
    for (let other = 0; other < 300; other += 1) here.driver.service(`other-${other}`);
    expect(here.driver.service(SERVICE)).not.toBe(here.rooms);
    await here.pod(0);
    await here.rooms.resolve("alice");
    expect(here.rooms.peek("alice")).toBe(0);
  });

  test("answers nothing once the driver is closed", async () => {
    const here = await world(1);
    cacheLink(here, "alice", 0);
    await here.driver.close();
    expect(here.rooms.peek("alice")).toBeUndefined();
  });
});

const step = fc.record({
  kind: fc.constantFrom("say", "crash", "wake", "leave", "start", "cut", "heal", "cache", "forget"),
  pod: fc.nat(2),
  uid: fc.constantFrom("alice", "bob"),
  serviceState: fc.constantFrom("Ready" as const, "NotReady" as const),
  thenMs: fc.constantFrom(0, 10, 150, GRACE_MS, 4000),
});

test("whatever pods and store do: a peek answers what the long way does, and counts what is stale", async () => {
  const staleWhileDownMs = 3000;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
      const here = await world(3, { driver: { staleWhileDownMs }, routes: { staleWhileDownMs: 6000 } });
      for (const { kind, pod: at, uid, serviceState, thenMs } of steps) {
        const pod = here.pods[at]!;
        if (kind === "say") await pod.say({ serviceState });
        else if (kind === "wake") {
          pod.crash(); // not two of it
          await pod.wake();
        } else if (kind === "cut" || kind === "heal") here.line[kind]();
        else if (kind === "cache") cacheLink(here, uid, at);
        else if (kind === "forget") here.rooms.forget(uid);
        else await pod[kind]();
        await here.clock.advance(thenMs);
        for (const name of ["alice", "bob"]) {
          const before = here.driver.read()["staleServed"] as number;
          const expected = peekedSlowly(here, name, staleWhileDownMs);
          expect(here.rooms.peek(name)).toBe(expected);
          const isStale = expected !== undefined && here.rooms.status().readingsFail;
          // What is stale is not certain, and nothing else is uncertain here.
          expect(here.rooms.peekTarget(name)?.podIndex).toBe(isStale ? undefined : expected);
          expect(here.driver.read()["staleServed"]).toBe(before + (isStale ? 1 : 0));
        }
      }
      for (const pod of here.pods) pod.crash();
      await here.driver.close();
      await here.routes.close();
    }),
    propertyRuns("peeks", { numRuns: 100, seed: 20261128 }),
  );
}, 120_000);
