import { formatReport } from "@podlink/testkit/load";
import { expect, it } from "vitest";
import { rollBoth } from "../../src/rolling/both.ts";
import { describeRolled, failedOf, mostMovesOf } from "../../src/rolling/describe.ts";

const sizes = { pods: 5, gateways: 2, users: 60, ratePerSecond: 60, preStopMs: 3000 };

it("five pods are restarted by SIGTERM under load: no request fails, no socket loses a message, nobody moves more than twice, each pod is gone in time", async () => {
  const sides = await rollBoth(sizes, () => undefined);
  const [podlink, hash] = sides;
  if (podlink === undefined || hash === undefined) throw new Error("a side is missing");
  // What `npm run rolling` prints: both sides, whatever the other one came to.
  process.stdout.write(`${describeRolled(sides)}\n`);

  const why = formatReport(podlink.report);
  expect(failedOf(podlink), why).toBe(0);
  expect(podlink.wrongCounters, why).toBe(0);
  expect(podlink.report.users, why).toMatchObject({ count: sizes.users, unserved: 0, doubtful: 0, splitTokens: 0 });
  expect(podlink.report.sockets, why).toMatchObject({
    sockets: sizes.users,
    gone: 0,
    behind: 0,
    changes: podlink.report.figures.due,
    lost: 0,
    duplicates: 0,
    outOfOrder: 0,
    declaredLost: 0,
  });
  expect(mostMovesOf(podlink), why).toBeLessThanOrEqual(2);
  for (const side of sides) {
    expect(side.restarts).toHaveLength(sizes.pods);
    for (const { goneAfterMs, deadlineMs } of side.restarts) expect(goneAfterMs).toBeLessThan(deadlineMs);
  }
  expect(hash.report.figures.acknowledged).toBeGreaterThan(0);
}, 300_000);
