import { propertyRuns } from "@podlink/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { World } from "./world.ts";
import { makeWorld, seeded } from "./world.ts";

/** A minute of a deployment is a second here: every 20 ms of it cost the simulation a step. */
const MINUTE_MS = 1000;
const SLOW_START_MS = MINUTE_MS / 2;
/** No pod of these reports again: their leases are as long as the whole run. */
const leaseMs = 1000 * MINUTE_MS;

const deployment = fc.integer({ min: 3, max: 50 }).chain((pods) =>
  fc.record({
    pods: fc.constant(pods),
    /** In which order the pods were there first: a StatefulSet may start them all at once. */
    firstOrder: fc.shuffledSubarray(
      Array.from({ length: pods }, (_, podIndex) => podIndex),
      { minLength: pods, maxLength: pods },
    ),
    betweenStartsMs: fc.integer({ min: 0, max: MINUTE_MS }),
    /** Before each rolling restart: none, or as long as it may be. */
    uptimesMs: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100 * MINUTE_MS })), {
      minLength: 1,
      maxLength: 3,
    }),
    /** From a pod's goodbye to its next life. */
    stepsMs: fc.array(fc.integer({ min: 1, max: 3 * MINUTE_MS }), { minLength: 1, maxLength: 7 }),
    seed: fc.integer({ min: 1, max: 1_000_000 }),
  }),
);

interface Service extends AsyncDisposable {
  readonly world: World;
  /** How often each user was moved. */
  readonly moves: Map<number, number>;
  /** The pod gives up its users and comes back `stepMs` later. */
  restart(podIndex: number, stepMs: number): Promise<void>;
}

/** Two users on each pod, and the routes that a draining pod asks. */
async function serviceOf(world: World, incarnations: Map<number, number>, seed: number): Promise<Service> {
  const routes = world
    .driver({ stateRefreshMs: 60 * MINUTE_MS, slowStartMs: SLOW_START_MS }, { random: seeded(seed) })
    .service("room");
  await routes.init();
  const podOf = new Map(
    [...incarnations.keys()].flatMap((podIndex) => [0, 1].map((user) => [2 * podIndex + user, podIndex])),
  );
  const moves = new Map<number, number>();
  return {
    world,
    moves,
    async restart(podIndex, stepMs) {
      await routes.cache.refresh();
      const restartedBefore = { podIndex, incarnation: incarnations.get(podIndex) ?? 0 };
      for (const [user, at] of podOf) {
        if (at !== podIndex) continue;
        const best = routes.best({ except: podIndex, restartedBefore });
        expect(best).toBeDefined();
        podOf.set(user, best?.row.podIndex ?? podIndex);
        moves.set(user, (moves.get(user) ?? 0) + 1);
      }
      await world.leave(podIndex);
      await world.clock.advance(stepMs);
      incarnations.set(podIndex, await world.pod(podIndex, { leaseMs }));
    },
    [Symbol.asyncDispose]: () => world.close(),
  };
}

test("a rolling restart moves nobody more than twice, whatever the order of the first start, the uptime and the pace", async () => {
  const moved = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(deployment, async ({ pods, firstOrder, betweenStartsMs, uptimesMs, stepsMs, seed }) => {
      const world = makeWorld();
      const incarnations = new Map<number, number>();
      for (const podIndex of firstOrder) {
        incarnations.set(podIndex, await world.pod(podIndex, { leaseMs }));
        await world.clock.advance(betweenStartsMs);
      }
      await using service = await serviceOf(world, incarnations, seed);
      for (const uptimeMs of uptimesMs) {
        await world.clock.advance(uptimeMs);
        service.moves.clear();
        for (let podIndex = pods - 1; podIndex >= 0; podIndex -= 1) {
          await service.restart(podIndex, stepsMs[podIndex % stepsMs.length] ?? 1);
        }
        for (const times of service.moves.values()) moved.set(times, (moved.get(times) ?? 0) + 1);
        expect(Math.max(...service.moves.values())).toBeLessThanOrEqual(2);
      }
    }),
    propertyRuns("rolling restart", { numRuns: 25, seed: 20261128 }),
  );
  // Else nothing was there to be held to.
  expect(moved.get(2)).toBeGreaterThan(0);
}, 120_000);

test("one pod that goes alone spreads its users over all others, not over those after it only", async () => {
  const world = makeWorld();
  const incarnations = new Map<number, number>();
  // As a rolling restart leaves them: the lower the index, the younger the pod.
  for (const podIndex of [4, 3, 2, 1, 0]) {
    incarnations.set(podIndex, await world.pod(podIndex, { leaseMs }));
    await world.clock.advance(MINUTE_MS);
  }
  const routes = world.driver({}, { random: seeded(3) }).service("room");
  await routes.init();
  const restartedBefore = { podIndex: 2, incarnation: incarnations.get(2) ?? 0 };
  const chosen = Array.from({ length: 60 }, () => routes.best({ except: 2, restartedBefore })?.row.podIndex);
  expect(new Set(chosen)).toEqual(new Set([0, 1, 3, 4]));
  await world.close();
});
