import type { FaultRow } from "@podlink/faults";
import { faultRow } from "@podlink/faults";
import { failpoints, Lateness } from "@podlink/testkit";
import { expect, vi } from "vitest";
import { LONG_LEASE, SOON, StorePods } from "./support/store-pods.ts";
import type { IsolatedPrimaryOptions } from "./support/topology-isolation.ts";
import { IsolatedPrimary, RECOMMENDED, linksOn } from "./support/topology-isolation.ts";
import { ComingUsers } from "./support/topology-load.ts";

/** So short that links are renewed all the time. */
const OWNED_TTL_MS = 5000;
/** Sentinels that are slow to believe it: so the loss shows what bounds it. */
const SLOW_SENTINELS = { downAfterMs: 3000 };

/** A failover while users come and pods renew: writes resume in time, and all that was lost by it is claimed again and told. */
async function failOverUnderLoad(
  row: FaultRow,
  how: "clean" | "isolated",
  options: IsolatedPrimaryOptions,
): Promise<void> {
  await using redis = await IsolatedPrimary.start(options);
  await using world = await StorePods.start(
    { ...redis.majority, ownedTtlMs: OWNED_TTL_MS },
    { pods: 3, server: { ...LONG_LEASE, ownedTtlMs: OWNED_TTL_MS } },
  );
  using renewals = failpoints.on("before-renew", { run: () => undefined });
  await using load = new ComingUsers(row, world);
  await renewals.reached({ hits: 3 });
  await vi.waitFor(() => expect(load.arrivals.length).toBeGreaterThan(50), SOON);
  const faultAt = performance.now();
  await (how === "clean" ? redis.failOver(row) : redis.isolate(row));
  // By now nobody has written to the new primary: no Sentinel has told of it.
  await redis.promoted();
  const survived = await linksOn(redis.next);
  const detectedAt = await redis.detected();
  using lateness = new Lateness();
  await vi.waitFor(() => expect(load.firstAfterEpoch()).toBeDefined(), SOON);
  const resumedAt = load.firstAfterEpoch()?.toMs ?? Infinity;
  expect(resumedAt - detectedAt).toBeLessThan(2000 + lateness.totalMs);

  const acknowledged = load.acknowledgedBeforeEpoch();
  const lost = acknowledged.filter(({ uid, token }) => survived.get(uid) !== token);
  expect(lost.length).toBeGreaterThan(0);
  await vi.waitFor(() => {
    expect(world.told("epoch-changed")).toEqual([1, 1, 1]);
    for (const { driver } of world.pods) expect(driver.read()).toMatchObject({ unverified: 0, registrations: 2 });
    for (const arrival of lost) expect(load.takenAgainAt(arrival)).toBeDefined();
  }, SOON);
  const again = lost.map((arrival) => (load.takenAgainAt(arrival) ?? Infinity) - resumedAt);
  await load.end();
  // Counted: once to be acknowledged, and what is held now once more under the new registration.
  const sum = (figure: string): number =>
    world.pods.reduce((total, { driver }) => total + (driver.read()[figure] ?? 0), 0);
  expect(sum("claims")).toBeGreaterThanOrEqual(acknowledged.length + sum("held"));
  for (const { uid } of lost) expect(await world.stored(uid)).toMatchObject({ kind: "owned" });
  await world.watch.close();
  // Tokens of what was lost may be seen to go back, where a reservation survived its owner's claim; no claim goes below its floor.
  expect(world.watch.violations.filter(({ invariant }) => invariant !== "tokens")).toEqual([]);
  const ms = (from: number, to: number): string => `${Math.round(to - from)} ms`;
  row.saw(
    `first write accepted ${ms(faultAt, resumedAt)} after the fault, ${ms(detectedAt, resumedAt)} after detection; ` +
      `${lost.length} of ${acknowledged.length} links that the old primary had acknowledged were lost, ` +
      `the last of them ${ms(faultAt, Math.max(...lost.map(({ toMs }) => toMs)))} after the fault; ` +
      `all claimed again ${ms(0, Math.max(0, ...again))} later`,
  );
}

faultRow(11, "under load: writes resume in time, what was lost is claimed again", (row) =>
  failOverUnderLoad(row, "clean", {}),
);
faultRow(12, "under load: writes resume in time, what was lost is claimed again", (row) =>
  failOverUnderLoad(row, "isolated", SLOW_SENTINELS),
);
faultRow(12, "under load with min-replicas-to-write: what was lost is claimed again", (row) =>
  failOverUnderLoad(row, "isolated", { ...SLOW_SENTINELS, config: RECOMMENDED }),
);
