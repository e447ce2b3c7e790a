import { expect, test } from "vitest";
import { Counters } from "../src/counters.ts";
import { Failover } from "../src/failover.ts";
import { Pace } from "../src/pace.ts";
import { NAMESPACE, SERVICE, world } from "./support/world.ts";

async function confirming() {
  const { routes, line, clock, driver } = await world(1, { settled: false, routes: { stateCache: false } });
  const failover = new Failover({
    namespace: NAMESPACE,
    service: SERVICE,
    pods: routes.service(SERVICE).cache,
    pace: new Pace({ ratePerSecond: 200, clock, random: () => 0 }),
    clock,
    counters: new Counters(),
    observer: undefined,
    options: driver.options,
  });
  line.resetCounts();
  return { failover, line, clock };
}

test("one confirming reading is planned for a pod, at the earlier of two moments", async () => {
  const { failover, line, clock } = await confirming();
  failover.confirmAt(0, clock.nowMs() + 1000);
  failover.confirmAt(0, clock.nowMs() + 500);
  failover.confirmAt(0, clock.nowMs() + 800);
  await clock.advance(499);
  expect(line.calls.readPods).toBe(0);
  await clock.advance(1);
  expect(line.calls.readPods).toBe(1);
  await clock.advance(2000);
  expect(line.calls.readPods).toBe(1);
});

test("a confirming reading that fails harms nobody", async () => {
  const { failover, line, clock } = await confirming();
  line.cut();
  failover.confirmAt(0, clock.nowMs() - 1);
  await clock.advance(100);
  expect(line.calls.readPods).toBe(1);
});

test("after close no reading is planned", async () => {
  const { failover, line, clock } = await confirming();
  failover.confirmAt(0, clock.nowMs() + 100);
  failover.close();
  failover.confirmAt(0, clock.nowMs() + 100);
  await clock.advance(200);
  expect(line.calls.readPods).toBe(0);
});
